// Package truth lets a sample say what its goroutines do at the moment all of them rest.
//
// The file named by $COREGO_TRUTH gets the runtime's own text, as of
// pprof.Lookup("goroutine").WriteTo(file, 2), and before it lines that begin with "# ": what that
// text lacks.
package truth

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var (
	notesMutex sync.Mutex
	notes      []string
)

// Note puts a line "# ..." into the truth.
func Note(format string, args ...interface{}) {
	notesMutex.Lock()
	defer notesMutex.Unlock()
	notes = append(notes, "# "+fmt.Sprintf(format, args...))
}

// ID is the caller's goroutine id.
func ID() (id int64) {
	var header [64]byte
	fmt.Sscanf(string(header[:runtime.Stack(header[:], false)]), "goroutine %d ", &id)
	return id
}

// Ready waits until all other goroutines but the busy ones rest, writes the truth and prints
// "ready". The caller itself moves on: what the truth says of it is not what the core will show.
func Ready(busy int) {
	quietDeath()
	settle(busy)
	if err := write(os.Getenv("COREGO_TRUTH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Not fmt.Println: it would put os.Stdout's locks on the way.
	syscall.Write(1, []byte("ready\n"))
}

// Settle waits until all other goroutines rest.
func Settle() {
	settle(0)
}

// settle returns once two looks saw the same: all but the busy ones at the same place.
func settle(busy int) {
	for before := ""; ; time.Sleep(2 * time.Millisecond) {
		now, running := resting()
		if running == busy && now == before {
			return
		}
		before = now
	}
}

// Rest is where main stays. It waits for a timer, so that the runtime sees no deadlock.
func Rest() {
	time.Sleep(10000 * time.Hour)
}

// resting returns the stacks of the goroutines that do not run, and how many others do.
func resting() (stacks string, running int) {
	text := make([]byte, 1<<16)
	for {
		size := runtime.Stack(text, true)
		if size < len(text) {
			text = text[:size]
			break
		}
		text = make([]byte, 2*len(text))
	}
	var quiet []string
	for i, stack := range strings.Split(string(text), "\n\n") {
		header := strings.SplitN(stack, "\n", 2)[0]
		switch {
		case i == 0: // the caller
		case strings.Contains(header, "[running"), strings.Contains(header, "[runnable"),
			strings.Contains(header, "[preempted"), strings.Contains(header, "[copystack"):
			running++
		default:
			quiet = append(quiet, stack)
		}
	}
	return strings.Join(quiet, "\n\n"), running
}

func write(path string) error {
	if path == "" {
		return nil
	}
	var collections debug.GCStats
	debug.ReadGCStats(&collections)
	noteWaits()
	Note("version %s", runtime.Version())
	Note("pid %d", os.Getpid())
	Note("goroutines %d", runtime.NumGoroutine())
	Note("gomaxprocs %d", runtime.GOMAXPROCS(0))
	Note("collections %d", collections.NumGC)
	Note("writer %d", ID())
	var text bytes.Buffer
	for _, note := range notes {
		fmt.Fprintln(&text, note)
	}
	if err := pprof.Lookup("goroutine").WriteTo(&text, 2); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// quietDeath gives SIGXCPU back to the kernel: its default action dumps core. All other signals
// that dump end in the runtime's handler, which stops goroutines and runs on their behalf.
func quietDeath() {
	var deflt [4]uintptr // struct sigaction of rt_sigaction(2): SIG_DFL, no flags
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
}
