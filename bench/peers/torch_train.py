"""Peer of the engine's benches: trains fedai-model/1 documents in PyTorch f32.

Each line of the input is {"model", "recipe", "threads", "seconds"}; the answer is one line with samples/s on random data.
Models stay built between lines. Lines with "weights", "train", "test" and "order" train from given weights over given records
and are answered by the scores on the test records.
"""
import base64
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Module):
    """TensorFlow's `same` padding, or `valid`."""

    def __init__(self, channels, config):
        super().__init__()
        self.size, self.stride = config["kernel_size"], config.get("strides", [1, 1])
        self.same = config["padding"] == "same"
        self.conv = nn.Conv2d(channels, config["filters"], self.size, self.stride, bias=config["use_bias"])

    def padding(self, height, width):
        pads = []
        for n, k, s in ((width, self.size[1], self.stride[1]), (height, self.size[0], self.stride[0])):
            total = max(0, (-(-n // s) - 1) * s + k - n) if self.same else 0
            pads += [total // 2, total - total // 2]
        return pads

    def forward(self, x):
        left, right, above, below = self.padding(x.shape[2], x.shape[3])
        if left == right and above == below:
            c = self.conv
            return F.conv2d(x, c.weight, c.bias, c.stride, (above, left))
        return self.conv(F.pad(x, (left, right, above, below)))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.causal = config["num_heads"], config["causal"]

    def forward(self, x):
        batch, length, channels = x.shape
        width = channels // 3 // self.heads
        q, k, v = x.view(batch, length, 3, self.heads, width).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(width)
        if self.causal:
            mask = torch.ones(length, length, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(mask, float("-inf"))
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, channels // 3)


class Position(nn.Module):
    def __init__(self, length, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(length, channels))

    def forward(self, x):
        return x + self.weight


class Graph(nn.Module):
    """The layers in order; `from` names what a layer takes."""

    def __init__(self, document):
        super().__init__()
        self.layers, self.kinds, self.sources = nn.ModuleList(), [], []
        names, shapes = {"input": 0}, [list(document["input"])]
        for index, layer in enumerate(document["layers"]):
            sources = [names[name] for name in layer["from"]] if "from" in layer else [index]
            module, shape = self.build(layer, shapes[sources[0]])
            self.layers.append(module)
            self.sources.append(sources)
            shapes.append(shape)
            if "name" in layer:
                names[layer["name"]] = index + 1
        self.classes = shapes[-1][-1]
        self.image = len(document["input"]) > 1

    def build(self, layer, shape):
        kind, config = layer["class_name"], layer.get("config", {})
        self.kinds.append((kind, config.get("activation")))
        if kind == "Conv2D":
            conv = Conv(shape[2] if len(shape) == 3 else 1, config)
            with torch.no_grad():
                out = conv(torch.zeros(1, shape[2] if len(shape) == 3 else 1, shape[0], shape[1])).shape
            return conv, [out[2], out[3], out[1]]
        if kind == "Dense":
            return nn.Linear(shape[-1], config["units"], bias=config["use_bias"]), [*shape[:-1], config["units"]]
        if kind in ("MaxPooling2D", "AveragePooling2D"):
            size = config["pool_size"]
            pool = nn.MaxPool2d if kind == "MaxPooling2D" else nn.AvgPool2d
            return pool(size), [shape[0] // size[0], shape[1] // size[1], shape[2]]
        if kind == "GlobalAveragePooling2D":
            return nn.Identity(), [shape[2]]
        if kind == "Flatten":
            return nn.Flatten(), [math.prod(shape)]
        if kind == "BatchNormalization":
            return nn.BatchNorm2d(shape[2], eps=2.0 ** -config.get("epsilonShift", 10), momentum=1 / 16), shape
        if kind == "LayerNormalization":
            return nn.LayerNorm(shape[-1], eps=2.0 ** -config.get("epsilonShift", 16)), shape
        if kind == "Embedding":
            return nn.Embedding(config["input_dim"], config["output_dim"]), [shape[0], config["output_dim"]]
        if kind == "PositionEmbedding":
            return Position(*shape), shape
        if kind == "Attention":
            return Attention(config), [shape[0], shape[1] // 3]
        if kind == "Dropout":
            return nn.Dropout(config["rateQ8"] / 256), shape
        return {"ReLU": nn.ReLU, "GELU": nn.GELU, "Add": nn.Identity}[kind](), shape

    def forward(self, x):
        nodes = [x]
        for module, (kind, activation), sources in zip(self.layers, self.kinds, self.sources):
            x = nodes[sources[0]]
            for other in sources[1:]:
                x = x + nodes[other]
            x = x.mean((2, 3)) if kind == "GlobalAveragePooling2D" else module(x)
            nodes.append(F.relu(x) if activation == "relu" else x)
        return nodes[-1]


def rate_of(optimizer, step):
    config = optimizer["config"]
    if optimizer["class_name"] == "SGD":
        return 2.0 ** -config["learningRateShifts"][sum(step >= b for b in config["boundaries"])]
    s = config["schedule"]
    if step < s["warmupSteps"]:
        return s["peakQ24"] * (step + 1) / s["warmupSteps"] / 2**24
    done = min(1.0, (step - s["warmupSteps"]) / max(1, s["decaySteps"]))
    share = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}[s["decay"]]
    return (s["floorQ24"] + (s["peakQ24"] - s["floorQ24"]) * share) / 2**24


def stepper(model, recipe):
    """A function of (inputs, answers) that takes a step and returns the loss."""
    config = recipe["optimizer"]["config"]
    if recipe["optimizer"]["class_name"] == "SGD":
        momentum = 1 - 2.0 ** -config["momentumShift"] if config["momentumShift"] else 0
        optimiser = torch.optim.SGD(model.parameters(), lr=1.0, momentum=momentum)
    else:
        decay = config["weightDecayQ24"] / 2**24
        groups = [
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": decay},
            {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ]
        betas = (1 - 2.0 ** -config["beta1Shift"], 1 - 2.0 ** -config["beta2Shift"])
        optimiser = torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=config["epsilonQ34"] / 2**34)
    limit = recipe.get("clipNormQ16")
    steps = 0

    def step(inputs, answers):
        nonlocal steps
        for group in optimiser.param_groups:
            group["lr"] = rate_of(recipe["optimizer"], steps)
        optimiser.zero_grad()
        logits = model(inputs)
        loss = F.cross_entropy(logits.reshape(-1, model.classes), answers.reshape(-1))
        loss.backward()
        if limit:
            nn.utils.clip_grad_norm_(model.parameters(), limit / 65536)
        optimiser.step()
        steps += 1
        return loss

    return step


def measured(document, recipe):
    torch.manual_seed(1)
    model, batch, shape = Graph(document), recipe["batchSize"], document["input"]
    if document["layers"][0]["class_name"] == "Embedding":
        inputs = torch.randint(0, model.classes, (batch, *shape))
        answers = torch.randint(0, model.classes, (batch, *shape))
    else:
        inputs = torch.rand(batch, *([shape[2], shape[0], shape[1]] if len(shape) == 3 else shape))
        answers = torch.randint(0, model.classes, (batch,))
    step = stepper(model, recipe)
    return lambda: step(inputs, answers)


def speed(request, built):
    key = json.dumps([request["model"], request["recipe"]])
    if key not in built:
        built[key] = measured(request["model"], request["recipe"])
    step, batch = built[key], request["recipe"]["batchSize"]
    torch.set_num_threads(request["threads"])
    for _ in range(2):
        step()
    steps, started, busy = 0, time.perf_counter(), time.thread_time()
    while time.perf_counter() - started < request["seconds"]:
        step()
        steps += 1
    samples, busy = steps * batch, time.thread_time() - busy
    return {"perSecond": samples / (time.perf_counter() - started), "perThreadSecond": samples / busy}


def decoded(text, kind):
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=kind)


def load_weights(model, document, weights):
    """Ours are [in, out] and [height, width, in, out]; after Flatten the order of inputs is height, width, channels."""
    roles = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "embeddings": "weight"}
    roles |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    for tensor in weights:
        _, index, role = tensor["name"].split(".")
        module = model.layers[int(index)]
        module = module.conv if isinstance(module, Conv) else module
        values = decoded(tensor["values"], torch.float32).view(tensor["shape"])
        if role == "kernel":
            values = values.permute(3, 2, 0, 1) if values.dim() == 4 else values.t()
        with torch.no_grad():
            getattr(module, roles[role]).copy_(values)


class FlattenLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def records(document, part):
    shape = document["input"]
    inputs, answers = decoded(part["inputs"], torch.uint8).view(-1, *shape), decoded(part["labels"], torch.uint8)
    if document["layers"][0]["class_name"] == "Embedding":
        return inputs.long(), answers.long()
    inputs = inputs.float() / 256
    return (inputs.permute(0, 3, 1, 2) if len(shape) == 3 else inputs), answers.long()


def trained(request):
    torch.set_num_threads(request["threads"])
    document, recipe = request["model"], request["recipe"]
    model = Graph(document)
    for index, (kind, _) in enumerate(model.kinds):
        if kind == "Flatten":
            model.layers[index] = FlattenLast()
    load_weights(model, document, request["weights"])
    inputs, answers = records(document, request["train"])
    sequence = inputs.dtype == torch.long
    step = stepper(model, recipe)
    for chosen in decoded(request["order"], torch.int32).long().view(-1, recipe["batchSize"]):
        wanted = answers[chosen]
        if sequence:
            wanted = torch.cat([inputs[chosen][:, 1:], wanted[:, None]], 1)
        step(inputs[chosen], wanted)
    model.eval()
    inputs, answers = records(document, request["test"])
    with torch.no_grad():
        logits = torch.cat([model(part) for part in inputs.split(500)])
    logits = logits[:, -1] if sequence else logits
    right = (logits.argmax(1) == answers).double().mean().item()
    return {"accuracy": right, "nats": F.cross_entropy(logits, answers).item()}


def main():
    built = {}
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(trained(request) if "weights" in request else speed(request, built)), flush=True)


main()
