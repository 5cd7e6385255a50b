// Command cast has channels of which some senders were received from and have ended, and others are
// stuck. It prints a line a go statement: its function, the channel, how many are stuck, how many
// have ended, and whether the runtime still has the records of these: it may not once it has made
// others. Then "ready".
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func forgotten(number int, c chan int) {
	for i := 0; i < number; i++ {
		go send(c)
	}
}

//go:noinline
func unbuffered(number int, c chan int) {
	for i := 0; i < number; i++ {
		go send(c)
	}
}

//go:noinline
func buffered(number int, c chan int) {
	for i := 0; i < number; i++ {
		go send(c)
	}
}

//go:noinline
func untouched(number int, c chan int) {
	for i := 0; i < number; i++ {
		go send(c)
	}
}

// settle waits until so many goroutines are left, and all but this one rest.
func settle(number int) {
	text := make([]byte, 1<<18)
	for {
		_, others, _ := strings.Cut(string(text[:runtime.Stack(text, true)]), "\n\n")
		if runtime.NumGoroutine() == number && !strings.Contains(others, "[running") &&
			!strings.Contains(others, "[runnable") {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func main() {
	var deflt [4]uintptr // of rt_sigaction(2): SIGXCPU is the kernel's again, which dumps at once
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
	a, b, c, d := make(chan int), make(chan int), make(chan int, 2), make(chan int)
	forgotten(5, a)
	settle(6)
	for i := 0; i < 4; i++ {
		<-a
	}
	settle(2)
	// These may take the records of the four.
	unbuffered(3, b)
	buffered(6, c)
	untouched(2, d)
	settle(11)
	<-b
	<-c
	settle(7 + 2)
	fmt.Printf("main.forgotten %p 1 4 no\n", a)
	fmt.Printf("main.unbuffered %p 2 1 yes\n", b)
	fmt.Printf("main.buffered %p 3 3 yes\n", c)
	fmt.Printf("main.untouched %p 2 0 yes\n", d)
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
	<-a
	<-b
	<-c
	<-d
}
