"""The processor of a server of the SimPy engine, and the tasks that share it.

Nothing here knows SimPy: a processor stands at some time, and who uses it says how time goes on. So it serves both what
happens (`simpy_server`) and, as a copy, what would happen if nothing else ever came.
"""

from bisect import bisect_left, bisect_right

INFINITY = float("inf")


class Task:
    """A task on its way through the system. Sizes in bit, absolute times in s."""

    __slots__ = (
        "arrival_s", "deadline_s", "dispatch_s", "execution_j", "finish_s", "index", "link", "output_bit", "price",
        "priority", "radio_j", "reward_delay_s", "server", "size_bit", "upload_end_s", "user", "way_back_s", "work_bit",
    )  # fmt: skip

    def __init__(
        self, index: int, user: int, link: int, size_bit: float, priority: int, arrival_s: float, deadline_s: float
    ) -> None:
        self.index = index
        self.user = user
        self.link = link
        self.size_bit = self.work_bit = size_bit  # to be uploaded, and to be executed
        self.output_bit = 0.0
        self.priority = priority
        self.arrival_s = arrival_s
        self.deadline_s = deadline_s  # absolute
        self.server = -1
        self.dispatch_s = self.upload_end_s = self.finish_s = float("nan")
        self.way_back_s = 0.0  # of the result from its server
        self.radio_j = self.execution_j = self.reward_delay_s = self.price = 0.0


Finished = list[tuple[Task, float]]  # tasks, and when they are done


class Sharing:
    """Tasks that are served together, in the order in which they are done.

    All receive the same while they are there, so that one number says how far each of them has come.
    """

    __slots__ = ("goals_bit", "level", "received_bit", "tasks")

    def __init__(self, level: int) -> None:
        self.level = level  # their class
        self.received_bit = 0.0  # by whoever was here since the first one came
        self.goals_bit: list[float] = []  # what that is when a task is done, the smallest first
        self.tasks: list[Task] = []  # in the same order

    def add(self, task: Task) -> None:
        """Of those that will be done at once the earlier one comes first."""
        goal_bit = self.received_bit + task.work_bit
        at = bisect_right(self.goals_bit, goal_bit)
        self.goals_bit.insert(at, goal_bit)
        self.tasks.insert(at, task)

    def copy(self) -> "Sharing":
        """The same tasks, to be served by another processor."""
        copied = Sharing(self.level)
        copied.received_bit, copied.goals_bit, copied.tasks = self.received_bit, self.goals_bit[:], self.tasks[:]
        return copied


class Processor:
    """It serves all of its tasks together; if it is preemptive, those of the most urgent class that is present."""

    def __init__(self, speed_bit_per_s: float, preemptive: bool) -> None:
        self.speed_bit_per_s = speed_bit_per_s
        self.next_s = INFINITY  # when the next task is done, if none comes before
        self._preemptive = preemptive
        self._now_s = 0.0  # until when tasks have been served
        self._classes: list[Sharing] = []  # that are present, the one that is served first

    def executing(self) -> int:
        """The number of tasks."""
        return sum([len(sharing.tasks) for sharing in self._classes])

    def copy(self) -> "Processor":
        """A processor at the same point."""
        copied = Processor(self.speed_bit_per_s, self._preemptive)
        copied.next_s, copied._now_s = self.next_s, self._now_s
        copied._classes = [sharing.copy() for sharing in self._classes]
        return copied

    def add(self, task: Task, now_s: float) -> None:
        """A task starts to execute, or to wait for more urgent ones."""
        self._serve(now_s)
        level = task.priority if self._preemptive else 0
        at = bisect_left(self._classes, level, key=lambda sharing: sharing.level)
        if at == len(self._classes) or self._classes[at].level > level:
            self._classes.insert(at, Sharing(level))
        self._classes[at].add(task)
        self._plan()

    def complete(self) -> tuple[Task, float]:
        """The next task is done and leaves, at its time."""
        served, self._now_s = self._classes[0], self.next_s
        served.received_bit = served.goals_bit.pop(0)
        task = served.tasks.pop(0)
        if not served.tasks:
            del self._classes[0]
        self._plan()
        return task, self._now_s

    def run(self, until_s: float) -> Finished:
        """Serve up to a time, with nothing coming; the tasks that are done by then, and when."""
        finished = []
        while self._classes and self.next_s <= until_s:
            finished.append(self.complete())
        self._serve(until_s)
        return finished

    def residuals_bit(self, then_s: float) -> list[float]:
        """What will be left of each task at some time if nothing comes."""
        if self.next_s <= then_s:
            then = self.copy()
            then.run(then_s)
            return then.residuals_bit(then_s)
        found: list[float] = []
        share_bit = self._share_bit(then_s)
        for sharing in self._classes:
            received_bit = sharing.received_bit + share_bit
            found += [goal_bit - received_bit for goal_bit in sharing.goals_bit]
            share_bit = 0.0  # the others wait
        return found

    def _serve(self, now_s: float) -> None:
        """Time goes on to before the next completion."""
        if self._classes:
            self._classes[0].received_bit += self._share_bit(now_s)
        self._now_s = now_s

    def _share_bit(self, then_s: float) -> float:
        """What each task that is served receives until then."""
        sharers = len(self._classes[0].tasks) if self._classes else 1
        return (then_s - self._now_s) * self.speed_bit_per_s / sharers

    def _plan(self) -> None:
        self.next_s = INFINITY
        if self._classes:
            served = self._classes[0]
            residual_bit = max(0.0, served.goals_bit[0] - served.received_bit)
            self.next_s = self._now_s + residual_bit * len(served.tasks) / self.speed_bit_per_s
