"""ONNX Runtime's half: python rival.py MODEL FOLDER -> the commands of main.c, one thread."""
import sys
import time

import numpy as np
import onnxruntime as ort


def main():
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    vocabulary = int(sys.argv[2])
    print(f"onnxruntime {ort.__version__}", flush=True)

    def ids(n):
        i = np.arange(n, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
        return ((i >> np.uint64(8)) % np.uint64(min(vocabulary, 20000))).astype(np.int32)[None]

    for line in sys.stdin:
        command, n, *rounds = line.split()
        feed = {"input_ids": ids(int(n))}
        if command == "embed":
            v = session.run(None, feed)[0][0].mean(0)
            print(" ".join(f"{x:.7g}" for x in v / np.linalg.norm(v)), flush=True)
            continue
        best = 1e9
        for _ in range(int(rounds[0])):
            start = time.process_time()
            session.run(None, feed)
            best = min(best, time.process_time() - start)
        print(f"{best * 1e3:.4f}", flush=True)


if __name__ == "__main__":
    main()
