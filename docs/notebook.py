# A run in a notebook. Cells begin with `# %%`: VS Code, PyCharm and Jupytext open this file as one.
# It needs a run: `harness replay harness.yaml --run runs/demo`, then start it beside `runs/`.

# %% [markdown]
# # What became of a run
# `harness.open_run` takes a folder, an id below `runs/`, or a URI such as `s3://bucket/runs/ID`.

# %%
import polars as pl

import harness

run = harness.open_run("runs/demo")
challenger = run.challengers[0]
run

# %% [markdown]
# The verdict is the one of `harness gate`, with every number in it. A notebook shows it as a table.

# %%
run.verdict

# %%
judged = run.verdict.of(challenger)
for finding in judged.findings:
    print(f"{finding.rule}: {finding.status}, harm {finding.harm} {finding.unit}")

# %% [markdown]
# Values are what the statistics read: a row for each pair, decoded and compared. They are a lazy
# frame of polars, so that a run of ten million pairs costs what is asked of it. How much slower is
# the challenger in each part of the traffic, request by request?

# %%
slower_s = pl.col("challenger_latency_s") - pl.col("champion_latency_s")
by_part = (
    run.values(challenger)
    .filter(~pl.col("champion_failed") & ~pl.col("challenger_failed"))
    .group_by(pl.col("segments").struct.field("source"))
    .agg(
        pl.len().alias("pairs"),
        pl.col("cluster_id").n_unique().alias("users"),
        (1000 * slower_s.median()).alias("slower_p50_ms"),
        (pl.col("challenger_correct").mean() - pl.col("champion_correct").mean()).alias("accuracy"),
    )
    .sort("pairs", descending=True)
    .collect()
)
by_part

# %% [markdown]
# These are descriptions. Differences between parts come with intervals, and with a correction for
# having looked at many, from `policy.segments` in the config.

# %%
[
    (one.segment, one.metric, one.harm, one.harm_low, one.harm_high)
    for one in judged.segments
    if one.metric == "accuracy"
]

# %% [markdown]
# The pairs worth a look, as `harness show` lists them, and one of them side by side.

# %%
worst = run.disagreements(challenger, most=5)
worst

# %%
if not worst.is_empty():
    print(run.pair(worst["request_id"][0], challenger))

# %% [markdown]
# Pairs are the exchanges as they came off the wire: headers, bodies, times. What did champion and
# challenger say where only one of them was right?

# %%
wrong = run.disagreements(challenger, outcome="challenger-wrong", most=3)
bodies = (
    run.pairs(challenger)
    .filter(pl.col("request_id").is_in(wrong["request_id"].implode()))
    .select("request_id", "truth", pl.col("champion_body", "challenger_body").cast(pl.String))
    .collect()
)
bodies

# %% [markdown]
# The drawings of `harness gate RUN -o report.html`. Each is an SVG; the last line of a cell shows
# one, and `svg` is its text for a file.

# %%
figures = run.figures(challenger)
for figure in figures:
    print(figure.title)
figures[0]
