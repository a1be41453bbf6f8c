# SPDX-License-Identifier: Apache-2.0
"""The tables: a row of each scenario as it ends, and over several seeds one of each kind."""
import sys

from oracle import Row


def line(*cells) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head() -> str:
    return line("scenario", "lines", "kills", "lost", "doubled", "not in flight", "disorder", "torn", "ledger", "MB", "s") \
        + "\n|---|" + "---:|" * 7 + "---|---:|---:|"


def show(row: Row):
    ledger = "balanced" if row.ledger == "balanced" else "BROKEN"
    order = str(row.disorder) if row.strict else f"({row.disorder})"
    mark = " **✗**" if row.bad else ""
    print(line(row.name + mark, row.lines, row.kills, row.lost, row.doubled, row.unexplained, order, row.torn, ledger,
               f"{row.memory / 1e6:.0f}", f"{row.seconds:.0f}"), flush=True)
    for text in ([row.ledger] if row.ledger != "balanced" else []) + row.problems:
        print("    " + text.replace("\n", "\n    "), file=sys.stderr, flush=True)


def summed(name: str, rows: list[Row]) -> str:
    def total(field: str) -> int:
        return sum(getattr(row, field) for row in rows)
    failed = sum(row.bad for row in rows)
    strict = [row for row in rows if row.strict]
    order = sum(row.disorder for row in strict) if strict else f"({total('disorder')})"
    balanced = sum(row.ledger == "balanced" for row in rows)
    return line(name + (f" **✗ {failed}**" if failed else ""), len(rows), total("lines"), total("kills"), total("lost"),
                total("doubled"), total("unexplained"), order, total("torn"), f"{balanced} of {len(rows)}",
                f"{max((row.memory for row in rows), default=0) / 1e6:.0f}")


def summary(rows: list[Row], names) -> str:
    """In brackets: out of order where no order was asked for."""
    kinds: dict[str, list[Row]] = {name: [] for name in names}
    for row in rows:
        kinds[row.name].append(row)
    return "\n".join([
        line("scenario", "runs", "lines", "kills", "lost", "doubled", "not in flight", "disorder", "torn", "ledger balanced", "MB at most"),
        "|---|" + "---:|" * 8 + "---|---:|", *(summed(*kind) for kind in kinds.items()), summed("all", rows)])
