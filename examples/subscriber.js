// Subscribes to a daemon from Node.js: npm install zeromq; node subscriber.js [ENDPOINT]. docs/wire.md explains.

const { Subscriber } = require("zeromq");

async function main() {
  // With the defaults, who was busy first reads a thousand old messages.
  const subscriber = new Subscriber({ receiveHighWaterMark: 20, receiveBufferSize: 16384 });
  subscriber.subscribe("edged/1/vec/", "edged/1/state/");
  subscriber.connect(process.argv[2] ?? "tcp://127.0.0.1:5556");
  const last = new Map(); // by topic: run and seq of the message before

  for await (const [topic, header, payload] of subscriber) {
    const message = JSON.parse(header);
    if (message.v !== 1) throw new Error("this program understands version 1");

    const { run, seq } = message;
    const before = last.get(`${topic}`) ?? { run, seq: seq - 1 };
    if (run !== before.run || seq <= before.seq) {
      console.log(`${topic} begins anew`);
      before.seq = -1; // numbers begin with 0
    }
    if (seq > before.seq + 1) console.log(`${topic} lost ${seq - before.seq - 1}`);
    last.set(`${topic}`, { run, seq });

    if (message.kind === "state") {
      console.log(`${topic} ${seq} ${message.set}=${message.state}`);
      continue;
    }

    // A typed array wants an aligned buffer, so the bytes are copied. (The byte order is the machine's: little-endian.)
    const { buffer } = new Uint8Array(payload);
    const numbers = message.dtype === "<f4" ? new Float32Array(buffer) : new Int8Array(buffer);
    const vector = Float32Array.from(numbers, (number) => number * (message.scale ?? 1));
    const scores = message.sims.map(({ ref, s }) => `${ref}=${s.toFixed(4)}`).join(" ");
    console.log(`${topic} ${seq} ${vector.length} ${Math.hypot(...vector).toFixed(3)} ${scores}`);
  }
}

main();
