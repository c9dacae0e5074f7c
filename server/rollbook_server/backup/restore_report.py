"""What is told of a restore: what is asked before, what would be done, what was done."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rollbook.cli.output import counted, say, warn
from rollbook_server.backup.contents_words import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rollbook_server.backup.key_joining import Joining
    from rollbook_server.backup.planning import Plan
    from rollbook_server.backup.putting_back import Choices, Restored
    from rollbook_server.domain.revivals import Revivals

_SHOWN = 10  # names in one line; programs get all of them


def question(file: Path, target: Path, plan: Plan) -> str:
    """Give what is lost if somebody goes on."""
    held = in_words(plan.before.contents) if plan.before and plan.before.contents else "unreadable"
    return (
        f"{target} ({held}) is set aside, and {file} ({in_words(plan.backup)}) takes its place: "
        "what came since is not on the roll then."
    )


def forecast(file: Path, target: Path, plan: Plan, choices: Choices) -> Iterator[str]:
    """Give the lines of what would be done."""
    if plan.before is None:
        yield f"{file} ({in_words(plan.backup)}) would become {target}."
    else:
        yield question(file, target, plan)
    if plan.known is None:
        yield f"What was voided since cannot be told: {plan.why_unknown}."
    elif not plan.known:
        yield "Nothing that works in the backup was voided since."
    else:
        kept = "would work again" if choices.brings_back else "would stay void"
        yield f"Voided since the backup, and {kept}: {_listed(plan.known)}."
    joining = plan.joining
    if joining.added:
        yield f"{joining.kept} would get the sealing keys {', '.join(joining.added)} besides."
    elif joining.advice:
        yield joining.advice
    yield "Nothing was changed."


def planned(file: Path, target: Path, plan: Plan) -> Mapping[str, object]:
    """Give for programs what a restore is about."""
    before = plan.before.contents if plan.before else None
    return {
        "file": str(file),
        "database": str(target),
        "contents": asdict(plan.backup),
        "contents_before": asdict(before) if before else None,
        "voided_since": _document(plan.known) if plan.known is not None else None,
        "voided_since_unknown": plan.why_unknown,
        "sealing_keys_added": plan.joining.added,
        "sealing_key_advice": plan.joining.advice,
    }


def done(restored: Restored) -> Mapping[str, object]:
    """Give for programs what was done."""
    return {
        "set_aside": str(restored.aside) if restored.aside else None,
        "kept_void": _document(restored.voided),
        "revoked_token_count": restored.token_count,
        "revoked_api_key_count": restored.key_count,
        "voided_tokens_may_work": not restored.tokens_are_certain,
        "voided_keys_or_passwords_may_work": not restored.keys_are_certain,
    }


def say_done(file: Path, target: Path, plan: Plan, restored: Restored) -> None:
    """Tell people what was done, and what they have to do."""
    say(f"{target} is now what {file} held: {in_words(plan.backup)}.")
    if restored.aside:
        say(f"What was there before is kept as {restored.aside}.")
    if restored.voided:
        say(f"Voided since the backup, and kept void: {_listed(restored.voided)}.")
    if restored.token_count or restored.key_count:
        said = (counted(restored.token_count, "token"), counted(restored.key_count, "API key"))
        say(f"Revoked besides: {' and '.join(said)}.")
    _say_what_may_work(plan, restored)
    if restored.voided.tokens or restored.token_count:
        say("Profiles whose token is void need another one: `rollbook token refresh PROFILE`.")
    _say_keys(plan.joining)


def _say_keys(joining: Joining) -> None:
    if joining.advice:
        warn(f"the server does not know all sealing keys of the backup yet. {joining.advice}")
        return
    if joining.added:
        say(
            f"{joining.kept} holds the sealing keys {', '.join(joining.added)} besides, as older "
            "ones: the server seals anew what they sealed, and then lets them go."
        )
    say("Start the server.")


def _say_what_may_work(plan: Plan, restored: Restored) -> None:
    why = f", and nobody can tell which: {plan.why_unknown}" if plan.why_unknown else ""
    if not restored.tokens_are_certain:
        warn(
            f"tokens that were voided since the backup may work again{why}. Void all of them with "
            "`rollbook token revoke-all` once the server runs; until then it warns at each start."
        )
    if not restored.keys_are_certain:
        warn(
            f"API keys that were revoked and passwords that were changed since the backup may work "
            f"again{why}. See `rollbook key list` and `rollbook user list` once the server runs."
        )


def _listed(revivals: Revivals) -> str:
    kinds = (
        ("token", [each.profile_name for each in revivals.tokens]),
        ("API key", [each.display_name for each in revivals.api_keys]),
        ("user", [each.user_name for each in revivals.users]),
    )
    return ", ".join(
        f"{counted(len(names), kind)} ({_few(names)})" for kind, names in kinds if names
    )


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _document(revivals: Revivals) -> Mapping[str, object]:
    """Give what programs get; no password hash is in it."""
    return {
        "tokens": [
            {"token_id": each.token_id, "profile_id": each.profile_id} for each in revivals.tokens
        ],
        "api_keys": [{"api_key_id": each.api_key_id} for each in revivals.api_keys],
        "users": [{"user_id": each.user_id, "disabled": each.disabled} for each in revivals.users],
    }
