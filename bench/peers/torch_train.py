"""Peer of the engine bench: trains a fedai-model/1 document in PyTorch f32 on random digits; prints samples/s as JSON.

Usage: torch_train.py MODEL.json BATCH THREADS SECONDS
"""
import json
import sys
import time

import torch
from torch import nn


def build(document):
    height, width, channels = document["input"] if len(document["input"]) == 3 else (1, 1, document["input"][0])
    layers, flat = [], len(document["input"]) == 1
    for layer in document["layers"]:
        kind, config = layer["class_name"], layer.get("config", {})
        if kind == "Conv2D":
            size = config["kernel_size"][0]
            pad = size // 2 if config.get("padding", "valid") == "same" else 0
            layers.append(nn.Conv2d(channels, config["filters"], size, padding=pad))
            channels = config["filters"]
            height, width = height + 2 * pad - size + 1, width + 2 * pad - size + 1
        elif kind == "MaxPooling2D":
            pool = config["pool_size"][0]
            layers.append(nn.MaxPool2d(pool))
            height, width = height // pool, width // pool
        elif kind == "Flatten":
            layers.append(nn.Flatten())
            channels, flat = channels * height * width, True
        elif kind == "Dense":
            if not flat:
                raise SystemExit("Dense before Flatten")
            layers.append(nn.Linear(channels, config["units"]))
            channels = config["units"]
        if config.get("activation") == "relu" or kind == "ReLU":
            layers.append(nn.ReLU())
    return nn.Sequential(*layers), channels


def main():
    path, batch, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    document = json.load(open(path))
    model, classes = build(document)
    shape = document["input"]
    inputs = torch.rand(batch, *([shape[2], shape[0], shape[1]] if len(shape) == 3 else shape))
    labels = torch.randint(0, classes, (batch,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.875)
    loss_of = nn.CrossEntropyLoss()

    def step():
        optimiser.zero_grad()
        loss_of(model(inputs), labels).backward()
        optimiser.step()

    for _ in range(5):
        step()
    steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        step()
        steps += 1
    print(json.dumps({"samplesPerSecond": steps * batch / (time.perf_counter() - started)}))


main()
