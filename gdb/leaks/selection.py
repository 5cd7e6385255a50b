"""Shows a goroutine's stack where GDB shows the selected thread's, so that its own commands work.

GDB finds the caller of each frame by unwinders. One of ours says of the thread's own frame, the
anchor, that the goroutine is its caller. GDB goes on from there by itself, as far as there is debug
information, and else by the distances between frames that the report tells. Nothing is written to
the core or the program.
"""

from collections import namedtuple

import gdb
from gdb.unwinder import Unwinder, register_unwinder

from . import goroutines
from .goroutines import NOWHERE

_MAX_C_FRAMES = 512

# What is said of one frame. id_sp: tells it from others; GDB wants them to grow outward.
# registers: {name: value} of its caller.
_Claim = namedtuple("_Claim", "id_sp registers")

_FrameId = namedtuple("_FrameId", "sp pc")


class Selection:
    """One goroutine whose stack is shown as the thread's. A frame is known by (pc, sp).

    top: the thread's own innermost frame. ends: where stacks end. hidden: frames that are none of
    the goroutine's. names: {frame: the report's Frames}, where GDB has none, or, of those in
    interrupted, wrong ones. c_names: Frames of the call of C it is in.
    """

    def __init__(self, task, thread, top, ends):
        self.task, self.thread, self.top, self.ends = task, thread, top, ends
        self.claims, self.hidden, self.names = {}, set(), {}
        self.claimed_pcs, self.interrupted = set(), set()
        self.c_names = []

    def names_of(self, frame):
        """The report's Frames of a frame that GDB has no or wrong names for, else None."""
        if not self.names:
            return None
        key = _key(frame)
        return self.names.get(key) if key in self.claims or key in self.interrupted else None

    def hides(self):
        """A function that tells of one frame after the other, from the innermost on, whether it is
        hidden."""
        left = len(self.hidden)
        last = None

        def is_hidden(frame):
            nonlocal left, last
            # Registers take their time, and few frames are hidden: several where some are inlined.
            if left == 0 and last is None:
                return False
            key = _key(frame)
            if key == last:
                return True
            last = None
            if left and key in self.hidden:
                left, last = left - 1, key
                return True
            return False
        return is_hidden


# "thread apply" is about threads. GDB has nothing but hooks to tell that it runs.
_HOOK = """define thread %s
python __import__("sys").modules["leaks.selection"].pause(%s)
end"""
_HOOKED = (("hook-apply", True), ("hookpost-apply", False), ("apply hook-all", True),
           ("apply hookpost-all", False))


class _State:
    def __init__(self):
        self.by_inferior = {}
        self.is_paused = False
        self.has_hooks = False


_state = _State()


def now():
    """The Selection of the selected inferior, or None."""
    if not _state.by_inferior or _state.is_paused:
        return None
    number = gdb.selected_inferior().num
    selection = _state.by_inferior.get(number)
    if selection is not None and not selection.thread.is_valid():
        del _state.by_inferior[number]
        return None
    return selection


def clear(number=None):
    """Shows threads again. number: of the inferior; None: the selected one."""
    if _state.by_inferior:
        number = gdb.selected_inferior().num if number is None else number
        if _state.by_inferior.pop(number, None) is not None:
            gdb.invalidate_cached_frames()


def pause(is_paused):
    """Lets GDB see the threads alone for a while."""
    if _state.is_paused is not is_paused and _state.by_inferior:
        gdb.invalidate_cached_frames()
    _state.is_paused = is_paused


def restore(selection):
    """Shows what now() told before."""
    if selection is None:
        clear()
        return
    _state.by_inferior[gdb.selected_inferior().num] = selection
    gdb.invalidate_cached_frames()


def select(task, thread, places, ends, may_be_interrupted):
    """Shows the goroutine as the thread, which becomes the selected one. places(): its Places,
    asked for when GDB cannot follow its stack, or it may be interrupted. ends: pcs of functions
    that nobody has called."""
    pause(False)
    _add_hooks()
    registers, c_call = task.goroutine.registers, task.goroutine.c_call
    selection = Selection(task, thread, _top_of(thread, c_call is not None), ends)
    top = selection.top
    if c_call is not None:
        selection.c_names = _names_until((c_call.pc, c_call.sp))
    if (registers.pc, registers.sp) != top:
        _hand_over(selection, top, registers)
    if not _has_debug_info(registers.pc):
        _claim_go(selection, registers, places())
    if may_be_interrupted:
        _name_interrupted(selection, registers, places())
    selection.claimed_pcs = {pc for pc, _ in selection.claims}
    _state.by_inferior[gdb.selected_inferior().num] = selection
    gdb.invalidate_cached_frames()
    return selection


def _top_of(thread, with_c):
    """The key of the thread's innermost frame. with_c: the others are wanted, too."""
    before = now()
    if before is not None and before.thread == thread and not with_c:
        return before.top
    clear()
    if gdb.selected_thread() != thread:
        thread.switch()
    return _key(gdb.newest_frame())


def _add_hooks():
    if _state.has_hooks:
        return
    _state.has_hooks = True
    for name, is_paused in _HOOKED:
        try:
            text = gdb.execute("show user thread " + name, to_string=True)
        except gdb.error:
            text = ""
        # Users' own hooks stay.
        if not text or "leaks.selection" in text:
            gdb.execute(_HOOK % (name, is_paused), to_string=True)


def frames():
    """The frames that GDB shows of what is selected, the innermost first."""
    selection, frame = now(), gdb.newest_frame()
    is_hidden = selection.hides() if selection is not None else lambda frame: False
    while frame is not None and frame.pc() != 0:
        if not is_hidden(frame):
            yield frame
        frame = frame.older()


def key_of(frame):
    """What tells a frame, and those inlined there, from others."""
    return _key(frame)


def _key(frame):
    return frame.pc(), int(frame.read_register("rsp"))


def _has_debug_info(pc):
    return gdb.find_pc_line(pc).symtab is not None


def _hand_over(selection, key, registers):
    """From the frame of that key GDB goes on in Go's code."""
    # Below all of the goroutine's own frames: GDB takes a smaller one for a corrupt stack.
    selection.claims[key] = _Claim(registers.sp - 16, {
        "rip": registers.pc, "rsp": registers.sp, "rbp": registers.bp})
    selection.hidden.add(key)


def _names_until(c_call):
    """The names of the thread's frames up to that one, which is Go's; none if it is not reached.

    They cannot be frames of GDB's above a goroutine's: their addresses are higher, which it takes
    for a corrupt stack, and with other addresses it computes wrong variables.
    """
    found, frame = [], gdb.newest_frame()
    while frame is not None and len(found) < _MAX_C_FRAMES:
        if frame.type() != gdb.INLINE_FRAME and _key(frame) == c_call:
            return found
        sal = frame.find_sal()
        found.append(NOWHERE._replace(
            function=frame.name() or "??", line=sal.line,
            file=sal.symtab.filename if sal.symtab is not None else None))
        frame = frame.older()
    return []


def _claim_go(selection, registers, places):
    """Claims Go's frames of which GDB has no debug information, as long as memory says the same."""
    inferior = gdb.selected_inferior()
    for at, place in enumerate(places):
        key = (place.pc, registers.sp + place.low)
        selection.names[key] = place.frames
        if _has_debug_info(place.pc) or place.high is None:
            continue
        end = registers.sp + place.high
        caller = places[at + 1] if at + 1 < len(places) else None
        if caller is not None and _word(inferior, end - 8) != caller.pc:
            return
        # A caller at 0 is the end for GDB.
        selection.claims[key] = _Claim(end, {"rip": caller.pc if caller else 0, "rsp": end})


def _name_interrupted(selection, registers, places):
    """Has the report's names for what was interrupted."""
    # The registers of one that runs are of its own code, or those it had before a signal.
    before = selection.task.state == "running" and selection.top in selection.hidden
    for place in places:
        if before:
            key = (place.pc, registers.sp + place.low)
            selection.names[key] = place.frames
            selection.interrupted.add(key)
        before = place.frames[-1].function in goroutines.INJECTED


def _word(inferior, where):
    try:
        return int.from_bytes(inferior.read_memory(where, 8).tobytes(), "little")
    except gdb.error:
        return None


class _Unwinder(Unwinder):
    def __init__(self):
        super().__init__("leaks-goroutine")

    def __call__(self, pending):
        selection = now()
        if selection is None or not selection.claims:
            return None
        pc = pending.read_register("rip")
        number = int(pc)
        if number not in selection.claimed_pcs and number not in selection.ends:
            return None
        sp = pending.read_register("rsp")
        claim = selection.claims.get((number, int(sp)))
        if number in selection.ends:
            # Above it a stack that was another goroutine's before holds anything.
            claim = _Claim(int(sp) + 8, {"rip": 0, "rsp": int(sp) + 8})
        if claim is None:
            return None
        info = pending.create_unwind_info(_FrameId(gdb.Value(claim.id_sp).cast(sp.type), pc))
        for name, value in claim.registers.items():
            kind = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


def register():
    register_unwinder(None, _Unwinder(), True)
    for event in (gdb.events.cont, gdb.events.exited, gdb.events.inferior_deleted):
        event.connect(_goes_on)
    # A command that fails has no hook behind it.
    gdb.events.before_prompt.connect(lambda: pause(False))


def _goes_on(event):
    thread = getattr(event, "inferior_thread", None)
    inferior = getattr(event, "inferior", None) or (thread.inferior if thread else None)
    clear(inferior.num if inferior is not None else None)
