"""Subscribes to a daemon without edged: pip install pyzmq numpy; python subscriber.py [ENDPOINT]. See docs/wire.md."""

import json
import sys

import numpy as np
import zmq

subscriber = zmq.Context.instance().socket(zmq.SUB)
subscriber.set(zmq.RCVHWM, 20)  # with the defaults, who was busy first reads a thousand old messages
subscriber.set(zmq.RCVBUF, 16384)
subscriber.subscribe(b"edged/1/vec/")
subscriber.subscribe(b"edged/1/state/")
subscriber.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556")
last: dict[bytes, tuple[str, int]] = {}  # by topic: run and seq of the message before

while True:
    topic, header, payload = subscriber.recv_multipart()
    message = json.loads(header)
    if message["v"] != 1:
        sys.exit("this program understands version 1")

    run, seq = message["run"], message["seq"]
    last_run, last_seq = last.get(topic, (run, seq - 1))
    if run != last_run or seq <= last_seq:
        print(topic.decode(), "begins anew", flush=True)
        last_seq = -1  # numbers begin with 0
    if seq > last_seq + 1:
        print(topic.decode(), "lost", seq - last_seq - 1, flush=True)
    last[topic] = run, seq

    if message["kind"] == "state":
        print(topic.decode(), seq, f"{message['set']}={message['state']}", flush=True)
        continue

    vector = np.frombuffer(payload, message["dtype"]).astype(float)
    if message["scale"] is not None:
        vector *= message["scale"]
    scores = " ".join(f"{match['ref']}={match['s']:.4f}" for match in message["sims"])
    print(topic.decode(), seq, len(vector), f"{np.linalg.norm(vector):.3f}", scores, flush=True)
