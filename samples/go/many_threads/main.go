// 50 goroutines in a blocking system call, a thread each; 10 more are bound to their threads.
package main

import (
	"runtime"
	"syscall"

	"samples/truth"
)

func readRaw(fd int) {
	syscall.Read(fd, make([]byte, 1))
}

func ownThread(c chan int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	<-truth.ToReceive(c)
}

func main() {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	c := make(chan int)
	for i := 0; i < 50; i++ {
		go readRaw(ends[0])
	}
	for i := 0; i < 10; i++ {
		go ownThread(c)
	}
	truth.Ready(0)
	truth.Rest()
}
