"""A grid of prompts, from a config to a verdict."""

import json

GRID = """\
variants:
  factors:
    prompt: {plain: {}, terse: {system: terse.txt}}
    size: {large: {}, small: {model: small-1, temperature: 0}}
"""


def test_a_grid_asks_the_champion_with_other_prompts(harness, serve, log, config, tmp_path):
    """Four combinations at one address, three of them challengers, and effects by factor."""
    (tmp_path / "terse.txt").write_text("Be brief.\n")
    log(60)
    champion = serve()

    def as_grid(text):
        rows = text.splitlines(keepends=True)
        return "".join(one for one in rows if "challengers:" not in one and "name: new" not in one)

    ended = harness("replay", config(champion, champion, GRID, change=as_grid), "--json")

    assert ended.out.startswith("{"), ended.err
    said = ended.verdict
    assert [one["challenger"] for one in said["challengers"]] == ["small", "terse", "terse-small"]
    bodies = [{key: body.get(key) for key in ("system", "model")} for _, _, body in champion.seen]
    for system in (None, "Be brief."):
        for model in (None, "small-1"):
            assert bodies.count({"system": system, "model": model}) == 60
    assert {(one["factor"], one["level"]) for one in said["effects"]} == {
        ("prompt", "terse"),
        ("size", "small"),
    }
    assert "Be brief." not in json.dumps(said)


def test_a_missing_prompt_is_refused_before_anything_is_asked(harness, serve, log, config):
    """By name, and with nothing written."""
    log(20)
    champion = serve()

    def rewritten(text):
        return text.replace(
            f'url: "{champion.url}", timeout: 2s}}\nlog', "rewrite: {system: no}}\nlog"
        )

    ended = harness("replay", config(champion, champion, change=rewritten))

    assert ended.code == 2
    assert "new.rewrite.system" in ended.err
    assert champion.seen == []
