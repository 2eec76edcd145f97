"""The versions and the hosts, which are prepared side by side as far as the chosen tests need them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy import machine, roots, wheels
from deploy.compose_host import ComposeHost
from deploy.deployments import Deployments
from deploy.outside import Outside, outside
from deploy.systemd_host import SystemdHost
from deploy.versions import Versions

Tasks = dict[str, Future[object]]
HOSTS = {"composed", "installed"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs no host comes first: it runs while the hosts are prepared."""
    here = [nth for nth, item in enumerate(items) if item.path.is_relative_to(Path(__file__).parent)]
    ordered = sorted((items[nth] for nth in here), key=lambda item: not HOSTS.isdisjoint(fixtures_of(item)))
    for nth, item in zip(here, ordered, strict=True):
        items[nth] = item


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


@pytest.fixture(scope="package")
def can_run(processes: None) -> None:
    """Skips, or fails in CI, where boxes cannot run."""
    machine.require()


@pytest.fixture(scope="package")
def versions(can_run: None, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp("versions") / "ava")


@pytest.fixture(scope="package")
def preparations(
    versions: Versions, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tasks]:
    """The hosts that the session's tests ask for, by the name of their fixture."""
    asked = {name for item in request.session.items for name in fixtures_of(item)}

    def around(name: str, ending: ExitStack, *needed: roots.Recipe) -> Outside:
        """What is outside of a host, while its roots are made and its packages fetched."""
        fetching = pool.submit(wheels.fetch)
        starting = pool.submit(ending.enter_context, outside(tmp_path_factory.mktemp(name)))
        roots.build(*needed)
        fetching.result()
        return starting.result()

    def compose(ending: ExitStack) -> ComposeHost:
        beside = around("compose", ending, roots.ENGINE, roots.PYTHON)
        made = ComposeHost(beside, versions.commit_of("one"))
        ending.enter_context(made.box)
        made.prepare()
        made.start()
        return made

    def systemd(ending: ExitStack) -> SystemdHost:
        made = SystemdHost(around("systemd", ending, roots.EMPTY))
        ending.enter_context(made.box)
        made.prepare()
        made.install(Deployments(versions, made.box, made.ssh))
        return made

    makers: dict[str, Callable[[ExitStack], object]] = {"composed": compose, "installed": systemd}
    # What a thread starts ends with the thread: they live as long as the hosts. Each host takes three.
    with ThreadPoolExecutor(6) as pool, ExitStack() as both:
        tasks: Tasks = {}
        for name in makers.keys() & asked:
            ending = both.enter_context(ExitStack())
            tasks[name] = pool.submit(makers[name], ending)
        try:
            yield tasks
        finally:
            for task in tasks.values():
                task.exception()


@pytest.fixture(scope="package")
def composed(preparations: Tasks) -> ComposeHost:
    made = preparations["composed"].result()
    assert isinstance(made, ComposeHost)
    return made


@pytest.fixture(scope="package")
def installed(preparations: Tasks) -> SystemdHost:
    made = preparations["installed"].result()
    assert isinstance(made, SystemdHost)
    return made
