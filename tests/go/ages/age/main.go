// Command age has goroutines that began to wait between garbage collections. It prints when, by
// CLOCK_MONOTONIC: a line "gc NUMBER BEGUN ENDED" a collection, a line "wait FUNCTION NUMBER BEFORE
// AFTER" for goroutines that began to wait between these two; "noted TIME", from which on the
// runtime has noted the time again; then "ready".
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func clock() int64 {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

//go:noinline
func first(c chan int) { <-c }

//go:noinline
func mixed(c chan int) { <-c }

//go:noinline
func last(c chan int) { <-c }

// start returns when all of them wait.
func start(name string, number int, f func(chan int), c chan int) {
	before := clock()
	for i := 0; i < number; i++ {
		go f(c)
	}
	settle()
	fmt.Println("wait", name, number, before, clock())
}

func settle() {
	text := make([]byte, 1<<18)
	for {
		size := runtime.Stack(text, true)
		_, others, _ := strings.Cut(string(text[:size]), "\n\n")
		if !strings.Contains(others, "[running") && !strings.Contains(others, "[runnable") {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func collect() {
	var stats debug.GCStats
	before := clock()
	runtime.GC()
	after := clock()
	debug.ReadGCStats(&stats)
	fmt.Println("gc", stats.NumGC, before, after)
}

func main() {
	debug.SetGCPercent(-1)
	var deflt [4]uintptr // of rt_sigaction(2): SIGXCPU is the kernel's again, which dumps at once
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
	c := make(chan int)
	// The runtime's first collection leaves no time on the goroutines that it meets.
	start("main.first", 5, first, c)
	collect()
	collect()
	start("main.mixed", 3, mixed, c)
	time.Sleep(time.Second / 2)
	// These wait by now, but did not when the collection before this one ended.
	collect()
	time.Sleep(2 * time.Second)
	start("main.mixed", 4, mixed, c)
	collect()
	start("main.mixed", 2, mixed, c)
	start("main.last", 6, last, c)
	before := clock()
	time.Sleep(time.Second / 2)
	fmt.Println("noted", before)
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
	close(c)
}
