"""`rollbook profile configure`: what the devices of a profile are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli import android_extras
from rollbook.cli.completing import profile_names
from rollbook.cli.configuration_secrets import (
    groups,
    lost_secrets,
    secrets,
    with_kept_secrets,
    without_secrets,
)
from rollbook.cli.configuration_settings import read_settings
from rollbook.cli.configurations import read_configuration_file
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.next_steps import may_reveal_tokens
from rollbook.cli.output import clean, facts, say, show, show_json, warn
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile, typed
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import Configuration, Profile
    from rollbook.cli.configuration_settings import Settings
    from rollbook.cli.configurations import ConfigurationFile

_HIDDEN = "hidden; --reveal shows it"


@click.command()
@click.argument("profile", required=False, shell_complete=profile_names)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="Replace all: an object with vendor_keys, system_extras, custom_system_keys. What it "
    "names under `hidden`, as --output json does, stays as it is.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="GROUP.KEY=VALUE",
    help="Set one key, such as system_extras.wifi_ssid=Depot. Once for each key.",
)
@click.option(
    "--unset",
    multiple=True,
    metavar="GROUP.KEY",
    help="Take one key away. Once for each key.",
)
@click.option("--reveal", is_flag=True, help="Show passwords, certificates and cookies, too.")
@click.option("--keys", is_flag=True, help="List Android's system extras; needs no PROFILE.")
@dry_run_option
@yes_option
@with_session
def configure(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    profile: str | None,
    file: Path | None,
    assignments: tuple[str, ...],
    unset: tuple[str, ...],
    reveal: bool,
    keys: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Change what the devices of PROFILE are given, or show it.

    Keys stand in three groups: vendor_keys are your management's own, system_extras
    those that Android defines (--keys lists them), custom_system_keys further ones by
    their full names. A VALUE is read as JSON if it is JSON, else as text; that of a
    system extra as its type wants it. Without options the present configuration is
    shown. Registered devices learn of a change when they enroll again.
    """
    if keys:
        _list_keys(session)
        return
    if profile is None:
        raise click.UsageError("Missing argument 'PROFILE'.")
    if file and (assignments or unset):
        raise click.UsageError("--file replaces all, so --set and --unset cannot go with it.")
    whole = read_configuration_file(file, "--file") if file else None
    settings = read_settings(assignments, unset)
    with session.admin() as client:
        found = find_profile(client, profile)
        if whole is None and not settings.mask:
            _show(session, found.configuration, reveal=reveal)
            return
        warnings: list[str] = []
        after = _changed(found, whole, settings, yes=yes or dry_run)
        if dry_run:
            _tell_change(session, found, after, reveal=reveal)
            return
        changed = client.update_configuration(
            found.profile_id,
            after,
            update_mask=() if whole else settings.mask,
            etag=found.etag,
            on_warning=warnings.append,
        )
        _show_change(session, changed, warnings, reveal=reveal)
        if not (session.wants_json or changed.tokenless) and may_reveal_tokens(client):
            say(f"New QR codes hold it: {session.command('qr', typed(changed))}")


def _changed(
    found: Profile, whole: ConfigurationFile | None, settings: Settings, *, yes: bool
) -> Configuration:
    """Give the configuration as it is to be; a secret is lost only if somebody says so."""
    if whole is None:
        return settings.applied_to(found.configuration)
    after = with_kept_secrets(whole, found.configuration)
    lost = lost_secrets(found.configuration, after)
    if lost:
        confirm(
            f"{whole.path} leaves out {', '.join(lost)} of {clean(found.name)}: what it leaves "
            "out is lost, what it names under `hidden` stays.",
            yes=yes,
        )
    return after


def _show_change(session: Session, changed: Profile, warnings: list[str], *, reveal: bool) -> None:
    if session.wants_json:
        shown = changed.configuration if reveal else without_secrets(changed.configuration)
        show_json(document(changed, configuration=shown, warnings=warnings))
        return
    _show(session, changed.configuration, reveal=reveal)
    for warning in warnings:
        warn(warning)


def _tell_change(session: Session, found: Profile, after: Configuration, *, reveal: bool) -> None:
    """Name the keys that would come, change and go; what Android says to them is not asked."""
    old, new = _paths(found.configuration), _paths(after)
    changes = {
        "set": [path for path in new if path not in old],
        "changed": [path for path in new if path in old and new[path] != old[path]],
        "taken away": [path for path in old if path not in new],
    }
    shown = after if reveal else without_secrets(after)
    tell_dry_run(
        session,
        document(found, configuration=shown, warnings=()),
        *(f"Would be {what}: {', '.join(paths)}" for what, paths in changes.items() if paths),
    )


def _paths(configuration: Configuration) -> dict[str, object]:
    return {
        f"{group}.{name}": value
        for group, values in groups(configuration).items()
        for name, value in values.items()
    }


def _show(session: Session, configuration: Configuration, *, reveal: bool) -> None:
    if session.wants_json:
        show_json(configuration if reveal else without_secrets(configuration))
    elif any(groups(configuration).values()):
        show(facts(_lines(configuration, [] if reveal else secrets(configuration))))
    else:
        say("There is no key yet. Set one: --set GROUP.KEY=VALUE; --keys lists Android's.")


def _lines(configuration: Configuration, hidden: list[str]) -> dict[str, object]:
    lines: dict[str, object] = {}
    for group, values in groups(configuration).items():
        for name, value in values.items():
            path = f"{group}.{name}"
            lines[path] = _HIDDEN if path in hidden else _text(value)
    return lines


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list_keys(session: Session) -> None:
    extras = android_extras.all_extras()
    if session.wants_json:
        show_json([extra._asdict() for extra in extras])
    else:
        show(facts({extra.name: f"{extra.meaning} ({extra.type})" for extra in extras}))
        say("Set one: --set system_extras.KEY=VALUE")
