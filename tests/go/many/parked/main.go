// Many goroutines of several kinds that wait, and between them the records of such as have ended. One
// waits for a channel that only a leaf of a large tree leads to.
// For test_two_threads.py.
package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const num = 30000

var (
	begun   sync.WaitGroup
	endings = make(chan int)
	never   = make(chan string)
	full    = make(chan int)
	account sync.Mutex
	missing sync.WaitGroup
	changed = sync.NewCond(&sync.Mutex{})
)

func receive() { begun.Done(); <-never }

func choose() {
	begun.Done()
	select {
	case <-never:
	case full <- 1:
	case full <- 2:
	}
}

func lock() { begun.Done(); account.Lock() }

func wait() { begun.Done(); missing.Wait() }

func sleep() { begun.Done(); time.Sleep(time.Hour) }

func await() {
	changed.L.Lock()
	begun.Done()
	changed.Wait()
}

func labelled() {
	labels := pprof.Labels("kind", "labelled")
	pprof.Do(context.Background(), labels, func(context.Context) { receive() })
}

func alone() { begun.Done(); <-make(chan int) }

func end() { begun.Done(); <-endings }

var ways = []func(){receive, choose, lock, wait, sleep, await, labelled, alone, end, end}

type node struct {
	children [2]*node
	hidden   chan int
}

// Global, so that what one of its leaves leads to is still in use.
var tree *node

func grow(depth int, hidden chan int) *node {
	if depth == 0 {
		return &node{hidden: hidden}
	}
	// Only the leaf that is left, right, left … of the root has it.
	var children [2]*node
	children[depth%2] = grow(depth-1, hidden)
	children[1-depth%2] = grow(depth-1, nil)
	return &node{children: children}
}

func awaitHidden(hidden chan int) { begun.Done(); <-hidden }

func main() {
	hidden := make(chan int)
	tree = grow(17, hidden)
	begun.Add(1)
	go awaitHidden(hidden)
	account.Lock()
	missing.Add(1)
	begun.Add(num)
	for i := 0; i < num; i++ {
		go ways[i*7919%len(ways)]()
	}
	begun.Wait()
	close(endings)
	for runtime.NumGoroutine() > num/10*8+2 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	runtime.GC()
	dumpAtSIGXCPU()
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

// Gives the signal back to the kernel: struct kernel_sigaction, all zero, is SIG_DFL.
func dumpAtSIGXCPU() {
	var action [4]uint64
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	if errno != 0 {
		panic(errno)
	}
}
