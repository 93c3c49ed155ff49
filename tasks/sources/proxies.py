"""HTTP proxies of the environment: loopback is never reached through one, and errors name the one that is used."""

import os
from collections.abc import MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from tasks.runtime.errors import BreathlineError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EXCEPT = ("NO_PROXY", "no_proxy")  # programs read one of both


def bypass_loopback(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the addresses of this machine to those that are reached without a proxy, here and in child processes."""
    if not _variables(environment):
        return
    for name in EXCEPT:
        hosts = [host.strip() for host in environment.get(name, "").split(",") if host.strip()]
        environment[name] = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])


def proxy_of(url: str) -> str | None:
    """Return variable and address of the proxy of a URL, without user and password; None if no proxy is used."""
    parts = urlsplit(url)
    excepted = {"no": ",".join(os.environ.get(name, "") for name in EXCEPT)}
    if proxy_bypass_environment(parts.hostname or "", excepted):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := os.environ.get(variable):
                address = urlsplit(value if "://" in value else f"http://{value}")
                return f"{variable}={address.scheme}://{address.netloc.rpartition('@')[2]}"
    return None


def require_socks(module: str = "socksio", package: str = "socksio") -> None:
    """Refuse a SOCKS proxy without the package that the HTTP library needs for it.

    Args:
        module: Module that the HTTP library imports.
        package: Name of its package.

    Raises:
        BreathlineError: A variable names a SOCKS proxy, and the package is missing.
    """
    socks = {name: value for name, value in _variables(os.environ).items() if value.lower().startswith("socks")}
    if "*" in os.environ.get(EXCEPT[0], "") or not socks or find_spec(module) is not None:
        return
    name, value = next(iter(socks.items()))
    raise BreathlineError(
        f"{name} names a SOCKS proxy, and the package {package} is missing.",
        where=f"{name}={urlsplit(value).scheme}://{urlsplit(value).netloc.rpartition('@')[2]}",
        hint=f"install it (`pip install {package}`), or unset {name}",
    )


def _variables(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Return the variables that name a proxy."""
    names = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    return {name: environment[name] for one in names for name in (one, one.upper()) if environment.get(name)}
