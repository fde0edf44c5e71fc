// Subscribes to a daemon from C++. On Debian: apt install g++ libzmq3-dev cppzmq-dev nlohmann-json3-dev
// g++ -std=c++17 subscriber.cpp -lzmq -o subscriber && ./subscriber [ENDPOINT]. docs/wire.md explains.

#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>
#include <zmq.hpp>
#include <zmq_addon.hpp>

int main(int argc, char **argv) {
    zmq::context_t context;
    zmq::socket_t subscriber(context, zmq::socket_type::sub);
    subscriber.set(zmq::sockopt::rcvhwm, 20);  // with the defaults, who was busy first reads a thousand old messages
    subscriber.set(zmq::sockopt::rcvbuf, 16384);
    for (const char *prefix : {"edged/1/vec/", "edged/1/state/"}) subscriber.set(zmq::sockopt::subscribe, prefix);
    subscriber.connect(argc > 1 ? argv[1] : "tcp://127.0.0.1:5556");
    std::map<std::string, std::pair<std::string, long>> last;  // by topic: run and seq of the message before

    while (true) {
        std::vector<zmq::message_t> frames;  // topic, header, payload
        if (!zmq::recv_multipart(subscriber, std::back_inserter(frames))) continue;
        const std::string topic = frames[0].to_string();
        const auto message = nlohmann::json::parse(frames[1].to_string());
        if (message["v"] != 1) throw std::runtime_error("this program understands version 1");

        const std::string run = message["run"];
        const long seq = message["seq"];
        auto [last_run, last_seq] = last.count(topic) ? last[topic] : std::make_pair(run, seq - 1);
        if (run != last_run || seq <= last_seq) {
            std::cout << topic << " begins anew" << std::endl;
            last_seq = -1;  // numbers begin with 0
        }
        if (seq > last_seq + 1) std::cout << topic << " lost " << seq - last_seq - 1 << std::endl;
        last[topic] = {run, seq};

        if (message["kind"] == "state") {
            std::cout << topic << " " << seq << " " << message["set"].get<std::string>() << "="
                      << message["state"].get<std::string>() << std::endl;
            continue;
        }

        std::vector<float> vector(message["shape"][0].get<size_t>());  // the payload need not be aligned: it is copied
        if (message["dtype"] == "<f4") std::memcpy(vector.data(), frames[2].data(), frames[2].size());
        else std::copy_n(frames[2].data<int8_t>(), vector.size(), vector.begin());
        const double scale = message["scale"].is_null() ? 1.0 : message["scale"].get<double>();
        double squares = 0;
        for (float &number : vector) number *= scale, squares += double(number) * number;

        std::printf("%s %ld %zu %.3f", topic.c_str(), seq, vector.size(), std::sqrt(squares));
        for (const auto &match : message["sims"])
            std::printf(" %s=%.4f", match["ref"].get<std::string>().c_str(), match["s"].get<double>());
        std::cout << std::endl;
    }
}
