// Command keep has groups of goroutines that keep descriptors, timers, threads and locks. For each
// function that goroutines stay in it prints what they keep, counted while it hands that out; then
// "ready".
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const long = 1000 * time.Hour

type kept struct{ descriptors, timers, threads, lockedThreads, locks, maybeLocks int }

var (
	truth   = map[string]*kept{}
	started sync.WaitGroup
)

func run(name string, f func()) *kept {
	if truth[name] == nil {
		truth[name] = &kept{}
	}
	started.Add(1)
	go f()
	return truth[name]
}

//go:noinline
func readSocket(c net.Conn) { started.Done(); c.Read(make([]byte, 1)) }

//go:noinline
func readWithDeadline(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(long))
	started.Done()
	c.Read(make([]byte, 1))
}

//go:noinline
func sleep() { started.Done(); time.Sleep(long) }

//go:noinline
func waitForTick(t *time.Ticker) { started.Done(); <-t.C }

//go:noinline
func selectTimer(c chan int) {
	t := time.NewTimer(long)
	started.Done()
	select {
	case <-c:
	case <-t.C:
	}
}

//go:noinline
func selectContext(ctx context.Context, c chan int) {
	started.Done()
	select {
	case <-c:
	case <-ctx.Done():
	}
}

//go:noinline
func ownThread(c chan int) { runtime.LockOSThread(); started.Done(); <-c }

//go:noinline
func inSystemCall(fd int) { started.Done(); syscall.Read(fd, make([]byte, 1)) }

type account struct {
	mutex sync.Mutex
	names []*string
}

// holdLock uses the lock's address after its wait: it stays where the search looks.
//
//go:noinline
func holdLock(a *account, c chan int) {
	a.mutex.Lock()
	started.Done()
	<-c
	a.mutex.Unlock()
}

//go:noinline
func wantLock(a *account) {
	started.Done()
	a.mutex.Lock()
	a.names = nil
	a.mutex.Unlock()
}

//go:noinline
func plain(c chan int) { started.Done(); <-c }

func connection() net.Conn {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	others = append(others, listener)
	return c
}

var (
	others []net.Listener
	never  = make(chan int)
)

// quietDeath gives SIGXCPU back to the kernel, which dumps core at once: no goroutine is disturbed.
func quietDeath() {
	var deflt [4]uintptr // struct sigaction of rt_sigaction(2): SIG_DFL, no flags
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
}

func main() {
	quietDeath()
	shared := connection()
	ticker := time.NewTicker(long)
	timed, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	derived := context.WithValue(timed, &started, 1)
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	for i := 0; i < 3; i++ {
		c := connection()
		run("main.readSocket", func() { readSocket(c) }).descriptors++
	}
	// One at a time may read a socket; the second of these waits for its lock.
	run("main.readWithDeadline", func() { readWithDeadline(shared) }).descriptors++
	truth["main.readWithDeadline"].timers++
	for i := 0; i < 4; i++ {
		run("main.sleep", sleep).timers++
		run("main.waitForTick", func() { waitForTick(ticker) }).timers = 1
		run("main.selectTimer", func() { selectTimer(never) }).timers++
		ctx := timed
		if i%2 == 1 {
			ctx = derived
		}
		run("main.selectContext", func() { selectContext(ctx, never) }).timers = 1
		run("main.plain", func() { plain(never) })
	}
	for i := 0; i < 2; i++ {
		run("main.ownThread", func() { ownThread(never) }).lockedThreads++
		truth["main.ownThread"].threads++
	}
	for i := 0; i < 5; i++ {
		run("main.inSystemCall", func() { inSystemCall(ends[0]) }).threads++
	}
	for i := 0; i < 2; i++ {
		a := &account{names: make([]*string, 3)}
		run("main.holdLock", func() { holdLock(a, never) }).maybeLocks++
		started.Wait()
		run("main.wantLock", func() { wantLock(a) })
		run("main.wantLock", func() { wantLock(a) })
	}
	// One that nobody else wants does not show.
	run("main.holdLock", func() { holdLock(&account{}, never) })
	started.Wait()
	for name, k := range truth {
		fmt.Println(name, k.descriptors, k.timers, k.threads, k.lockedThreads, k.locks, k.maybeLocks)
	}
	os.Stdout.WriteString("ready\n")
	time.Sleep(long)
}
