"""The start nets of the decision catalogue, 5.5, each layer with its purpose.  Light: plain data."""

from __future__ import annotations

from engine.models.networks.layers import Layer, Network, Training

SCHEME = "decision catalogue 5.5"
HEAD = Layer("head", "weighs them for each output; starts at 0, so that training starts from the best constant")
BESIDE = Layer("beside", "puts the columns that are no part of the material beside what was made of it")
FORGET = "hides some of the units at each step, so that none is relied on alone"

# -- tables ------------------------------------------------------------------------------------------------------------

LINEAR = Network(
    "net_linear",
    "Net without a hidden layer",
    (HEAD,),
    source=SCHEME,
    why="The floor of all networks: a weighted sum, learned by the same steps; a hidden layer must beat it.",
)
ONE_LAYER = Network(
    "net_one",
    "Net with one hidden layer",
    (
        Layer("dense", "mixes the columns: each unit is one learned combination of inputs", 32, "relu"),
        Layer("dropout", FORGET, rate=0.1),
        HEAD,
    ),
    source=SCHEME,
    why="Columns that act together in simple ways: 32 combinations of them, weighed.",
    first="net_linear",
)
DENSE_64_32 = Network(
    name="net_small",
    title="Small net (dense 64-32)",
    layers=(
        Layer("dense", "mixes the columns: each unit is one learned combination of inputs", 64, "relu"),
        Layer("dropout", FORGET, rate=0.1),
        Layer("dense", "combines combinations: effects of one column that depend on another", 32, "relu"),
        Layer("dropout", "the same, one level up", rate=0.1),
        HEAD,
    ),
    source="decision catalogue 5.5, table, start",
    why="Many rows, and a smooth pattern that trees cut into steps; it must earn its keep.",
    first="net_one",
)
REAL = Training(
    learning_rate=0.04, weight_decay=0.0, epochs=256, patience=256, batch=256, betas=(0.9, 0.95), schedule="coslog4",
    drop_last=True, last_tie=True, smoothing=0.1, number_rate=0.07,
)  # fmt: skip
_NTK = (
    Layer("ntk", "mixes the columns; scaled by the square root of its inputs, so that one rate suits all widths", 256,
          "selu/mish"),
    Layer("ntk", "combines combinations", 256, "selu/mish"),
    Layer("ntk", "the same, one level up", 256, "selu/mish"),
    Layer("head", "weighs them for each output; starts at 0, so that training starts from the best constant",
          form="ntk"),
)  # fmt: skip
_SCALE = Layer("scale", "learns how much each column counts before they are mixed: soft selection of columns")
REALMLP = Network(
    "net_real",
    "RealMLP-S (3 × 256)",
    (_SCALE, *_NTK),
    REAL,
    "Holzmüller et al. 2024, RealMLP-TD-S; " + SCHEME,
    tier="T7",
    why="The strong default for tables: what made plain networks draw level with boosted trees from 1,000 rows on.",
    first="net_small",
)
REALMLP_EMBED = Network(
    "net_embed",
    "RealMLP with embedded columns",
    (
        Layer(
            "periodic", "gives each number a few learned waves, so that a step at one value needs no deep network", 4
        ),
        Layer(
            "categories", "gives each level of a category a place of its own, near those that act alike", 8, lowest=0
        ),
        _SCALE,
        *_NTK,
    ),
    REAL,
    "Gorishniy et al. 2022 (PBLD in Holzmüller et al. 2024); " + SCHEME,
    tier="T7",
    why="Numbers with steps and bumps in them, and categories of many levels.",
    first="net_real",
)
TABM = Network(
    "net_tabm",
    "TabM (32 nets in one)",
    (
        Layer("ensemble", "32 nets share these weights and differ by how they scale what goes in and out", 512, "relu",
              copies=32),
        Layer("dropout", FORGET, rate=0.1),
        Layer("ensemble", "combines combinations", 512, "relu", copies=32),
        Layer("dropout", "the same, one level up", rate=0.1),
        Layer("ensemble", "the same again", 512, "relu", copies=32),
        Layer("dropout", "the same, at the top", rate=0.1),
        Layer("head", "weighs them for each output in each of the nets, whose answers are averaged", copies=32),
    ),
    Training(learning_rate=2e-3, weight_decay=3e-4, epochs=200, patience=16),
    "Gorishniy et al. 2025, TabM; " + SCHEME,
    tier="T7",
    why="Averages the luck of 32 networks for the price of a few.",
    first="net_real",
)  # fmt: skip

# -- texts -------------------------------------------------------------------------------------------------------------

WORDS = Network(
    "text_words",
    "Net on words and pairs of words",
    (
        Layer("dense", "mixes the words: each unit is a topic, for or against", 64, "relu"),
        Layer("dropout", FORGET, rate=0.2),
        Layer("dense", "combines topics: a word that counts only beside another", 64, "relu"),
        Layer("dropout", "the same, one level up", rate=0.2),
        HEAD,
    ),
    Training(learning_rate=1e-3, weight_decay=0.0, epochs=50, patience=5, batch=128),
    "Google's text classification guide; " + SCHEME,
    takes="terms",
    why="Below 1,500 texts per word of length, counts of words win over their order.",
)
READ = Training(learning_rate=1e-3, weight_decay=3e-4, epochs=50, patience=5)
_EMBED = Layer("embedding", "gives each word a place, near the words that are used alike", 64)
_MEAN = Layer("masked_average", "makes one vector of any number of words; what lies behind a text's end does not count")
TEXT_MEAN = Network(
    "text_mean",
    "Embedded words, averaged",
    (_EMBED, _MEAN, Layer("dropout", FORGET, rate=0.2), BESIDE, HEAD),
    READ,
    "Honnibal 2016, embed-encode-attend-predict; " + SCHEME,
    takes="tokens",
    why="The simplest reader: which words, whatever their order.",
    first="text_words",
)
_NEIGHBOURS = Layer(
    "conv1d", "sees five words at once: negations and turns of phrase", 64, "relu", kernel=5, padding="same"
)
TEXT_CONV = Network(
    "text_conv",
    "Embedded words, five at a time",
    (_EMBED, _NEIGHBOURS, _MEAN, Layer("dropout", FORGET, rate=0.2), BESIDE, HEAD),
    READ,
    "Kim 2014; " + SCHEME,
    takes="tokens",
    tier="T7",
    why="Order counts nearby: “not good”.",
    first="text_mean",
)
TEXT_GRU = Network(
    "text_gru",
    "Embedded words, read both ways",
    (
        _EMBED,
        Layer("gru", "reads the text forwards and backwards and remembers: order counts over long ways", 32, both=True,
              sequence=True),
        _MEAN,
        Layer("dropout", FORGET, rate=0.2),
        BESIDE,
        HEAD,
    ),
    READ,
    SCHEME,
    takes="tokens",
    tier="T7",
    why="Order counts over long ways.",
    first="text_mean",
)  # fmt: skip
TEXT_ATTEND = Network(
    "text_attend",
    "Embedded words, five at a time, weighed",
    (
        _EMBED,
        _NEIGHBOURS,
        Layer("attention", "weighs the places of a text: few sentences decide", 64),
        Layer("dropout", FORGET, rate=0.2),
        BESIDE,
        HEAD,
    ),
    READ,
    "Yang et al. 2016; " + SCHEME,
    takes="tokens",
    tier="T7",
    why="A few sentences of a long text decide.",
    first="text_conv",
)

# -- series ------------------------------------------------------------------------------------------------------------

AHEAD = Training(learning_rate=2e-3, weight_decay=1e-4, epochs=100, patience=10, batch=64, clip=1.0)
STEPS = Layer("head", "one output for each step ahead; starts at 0: the last value carried on", form="steps")
WINDOW_MLP = Network(
    "series_window",
    "Net on the window",
    (
        Layer("flatten", "takes the window as so many numbers, each place with weights of its own"),
        Layer("dense", "mixes the places: each unit is one shape to look for", 64, "relu"),
        Layer("dropout", FORGET, rate=0.1),
        STEPS,
    ),
    AHEAD,
    SCHEME,
    takes="window",
    why="Shapes that stand at fixed places of the window, such as a season's.",
)
_CAUSAL = "looks at three values, {} apart, none of them later: {}"
SERIES_CONV = Network(
    "series_conv",
    "Causal convolutions",
    (
        Layer("conv1d", _CAUSAL.format("1 step", "rises, falls and peaks"), 32, "relu", kernel=3, padding="causal"),
        Layer("conv1d", _CAUSAL.format("2 steps", "shapes made of those"), 32, "relu", kernel=3, dilation=2,
              padding="causal"),
        Layer("conv1d", _CAUSAL.format("4 steps", "15 steps are seen in all"), 32, "relu", kernel=3, dilation=4,
              padding="causal"),
        Layer("last", "keeps what was seen at the last value, from which the forecast goes out"),
        STEPS,
    ),
    AHEAD,
    "Oord et al. 2016; Bai et al. 2018; " + SCHEME,
    takes="window",
    why="Local shapes that may stand anywhere in the window.",
    first="series_window",
)  # fmt: skip


def _recurrent(kind: str, name: str, title: str, why: str) -> Network:
    return Network(
        name,
        title,
        (
            Layer(kind, "reads the window value by value and remembers what matters", 32, sequence=True),
            Layer(kind, "remembers over longer ways what the first one noticed", 64),
            Layer("dropout", FORGET, rate=0.1),
            STEPS,
        ),
        AHEAD,
        "Cho et al. 2014; " + SCHEME if kind == "gru" else "Hochreiter and Schmidhuber 1997; " + SCHEME,
        takes="window",
        tier="T7",
        why=why,
        first="series_conv",
    )


SERIES_GRU = _recurrent("gru", "series_gru", "GRU", "What matters may lie any number of steps back.")
SERIES_LSTM = _recurrent("lstm", "series_lstm", "LSTM", "The challenger of the GRU, with a longer memory.")

# -- pictures ----------------------------------------------------------------------------------------------------------

LOOK = Training(learning_rate=1e-3, weight_decay=1e-2, epochs=60, patience=8, shift=0.1)
_GATHER = Layer(
    "gather", "hands on what was seen: where it was seen counts in a small picture, in a large one only what"
)
_POOL = Layer("pool", "halves the sides: keeps what was seen, and forgets where to the pixel", 2)
IMAGE_SMALL = Network(
    "image_small",
    "Small convolutional net",
    (
        Layer(
            "conv2d", "looks for small patterns anywhere: edges, dots, corners", 32, "relu", kernel=3, padding="same"
        ),
        _POOL,
        Layer("conv2d", "combines them to parts: strokes, curves, crossings", 64, "relu", kernel=3, padding="same"),
        _POOL,
        _GATHER,
        Layer("dropout", FORGET, rate=0.3),
        BESIDE,
        HEAD,
    ),
    LOOK,
    "Keras's convnet on MNIST; " + SCHEME,
    takes="picture",
    why="Patterns count wherever they stand, which a model of single pixels cannot know.",
)
IMAGE_RESIDUAL = Network(
    "image_residual",
    "Residual convolutional net",
    (
        Layer("conv2d", "looks for small patterns anywhere: edges, dots, corners", 32, kernel=3, padding="same"),
        Layer("batchnorm", "keeps what goes on in one range, so that more layers can be trained", activation="relu"),
        Layer("residual", "adds what it finds to what is known already: nothing is lost on the way up", 64, kernel=3,
              least_side=32),
        Layer("pool", "halves the sides of large pictures first", 2, least_side=32),
        Layer("residual", "adds what it finds to what is known already: nothing is lost on the way up", 64, kernel=3),
        _POOL,
        Layer("residual", "the same, for parts", 128, kernel=3),
        _POOL,
        Layer("average", "what was seen, wherever it was"),
        Layer("dropout", FORGET, rate=0.3),
        BESIDE,
        HEAD,
    ),
    LOOK,
    "He et al. 2016; " + SCHEME,
    takes="picture",
    tier="T7",
    why="Parts made of parts: more layers than a plain stack can train.",
    first="image_small",
)  # fmt: skip

NETWORKS: tuple[Network, ...] = (
    DENSE_64_32,  # the first is the one that a gate times
    LINEAR, ONE_LAYER, REALMLP, REALMLP_EMBED, TABM,
    WORDS, TEXT_MEAN, TEXT_CONV, TEXT_GRU, TEXT_ATTEND,
    WINDOW_MLP, SERIES_CONV, SERIES_GRU, SERIES_LSTM,
    IMAGE_SMALL, IMAGE_RESIDUAL,
)  # fmt: skip
BY_NAME = {network.name: network for network in NETWORKS}
LADDERS: dict[str, tuple[Network, ...]] = {  # by material, smallest first
    "table": (LINEAR, ONE_LAYER, DENSE_64_32, REALMLP, REALMLP_EMBED, TABM),
    "text": (WORDS, TEXT_MEAN, TEXT_CONV, TEXT_GRU, TEXT_ATTEND),
    "series": (WINDOW_MLP, SERIES_CONV, SERIES_GRU, SERIES_LSTM),
    "image": (IMAGE_SMALL, IMAGE_RESIDUAL),
}
