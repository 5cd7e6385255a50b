// Command preempted has a goroutine wait on a channel that only another one has, which was stopped
// in the midst of its code and stays so. None of them is stuck.
//
//	preempted arguments    it runs a function that has the channel among many arguments
//	preempted closure      it was about to call the closure that has it. Needs
//	                       GODEBUG=asyncpreemptoff=1, so that it stops at a call
//
// It prints "ready", and, once it was told to go on, "woken".
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var (
	waking int32
	result int
)

type arguments struct { // more than 512 bytes of a caller's frame
	padding [100]int
	c       chan int
}

//go:noinline
func kept(c chan int, ended chan bool) { <-c; close(ended) }

// spin is busy with all registers.
//
//go:noinline
func spin(a arguments) {
	v, w, x, y, z := 1, 2, 3, 4, 5
	for i := 0; atomic.LoadInt32(&waking) == 0; i++ {
		v += a.padding[i%50] * w
		w ^= v + x*3
		x = x*7 + y
		y = y*5 ^ z
		z = z*9 + v
	}
	result += v + w + x + y + z
	close(a.c)
}

//go:noinline
func passArguments(c chan int) {
	var a arguments
	a.c = c
	spin(a)
}

// count takes longer than a goroutine may run when others wait, and calls nothing meanwhile.
//
//go:noinline
func count(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		sum = sum*31 + i
	}
	return sum
}

//go:noinline
func callLate(f func()) {
	result = count(1 << 28)
	f()
}

//go:noinline
func passClosure(c chan int) { callLate(func() { close(c) }) }

// block keeps the only processor, in a system call of which the runtime does not know.
func block() {
	ready := []byte("ready\n")
	var line [16]byte
	syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&ready[0])), uintptr(len(ready)))
	syscall.RawSyscall(syscall.SYS_READ, 0, uintptr(unsafe.Pointer(&line[0])), uintptr(len(line)))
	atomic.StoreInt32(&waking, 1)
}

func main() {
	runtime.GOMAXPROCS(1)
	ended, waits := make(chan bool), make(chan chan int)
	go func() {
		c := make(chan int)
		go kept(c, ended)
		time.Sleep(20 * time.Millisecond)
		waits <- c
	}()
	pass := passArguments
	if os.Args[1] == "closure" {
		pass = passClosure
	}
	c := <-waits
	go block()
	// What is started last runs first, until it is stopped.
	go pass(c)
	<-ended
	fmt.Println("woken")
}
