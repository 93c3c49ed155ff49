"""HTTP proxies of the environment: loopback is never reached through one, and errors name the one that is used."""

import os
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from tasks.runtime.errors import BreathlineError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SCHEMES = ("http", "https", "socks5", "socks5h")
EXCEPT = ("NO_PROXY", "no_proxy")  # programs read one of both


def bypass_loopback(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the addresses of this machine to those that are reached without a proxy, here and in child processes."""
    if not variables(environment):
        return
    for name in EXCEPT:
        hosts = [host.strip() for host in environment.get(name, "").split(",") if host.strip()]
        environment[name] = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])


def proxy_of(url: str) -> str | None:
    """Return variable and address of the proxy of a URL, without user and password; None if no proxy is used."""
    # not in typeshed; imported here, because every command and stage imports this module
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    parts = urlsplit(url)
    excepted = {"no": ",".join(os.environ.get(name, "") for name in EXCEPT)}
    if proxy_bypass_environment(parts.hostname or "", excepted):
        return None
    wanted = (f"{parts.scheme}_proxy", "all_proxy")
    return next((f"{name}={shown(value)}" for name, value in variables().items() if name.lower() in wanted), None)


def check(module: str = "socksio", package: str = "socksio") -> None:
    """Refuse malformed addresses of proxies, and a SOCKS proxy without the package that the HTTP library needs for it.

    Args:
        module: Module that the HTTP library imports for SOCKS.
        package: Name of its package.

    Raises:
        BreathlineError: A variable names no proxy, or the package is missing.
    """
    if "*" in os.environ.get(EXCEPT[0], ""):
        return
    for name, value in variables().items():
        scheme = _scheme(value)
        if scheme is None:
            hint = f"set it to an address such as http://host:3128, or unset {name}"
            raise BreathlineError(f"{name} is not the address of a proxy.", where=f"{name}={shown(value)}", hint=hint)
        if scheme.startswith("socks") and find_spec(module) is None:
            raise BreathlineError(
                f"{name} names a SOCKS proxy, and the package {package} is missing.",
                where=f"{name}={shown(value)}",
                hint=f"install it (`pip install {package}`), or unset {name}",
            )


def variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that name a proxy, by name."""
    names = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    return {name: environment[name] for one in names for name in (one, one.upper()) if environment.get(name)}


def shown(value: str) -> str:
    """Return the address of a proxy without user and password."""
    scheme, separator, rest = value.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _scheme(value: str) -> str | None:
    """Return the protocol of a proxy; None if the address is malformed, or the protocol is unknown."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        known = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts.scheme if known else None
