// Goroutines in every way of waiting, for test_go_versions.py: none of it depends on chance.
package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

func receive(c chan int) { <-c }

func send(c chan int) { c <- 1 }

func lock(mu *sync.Mutex) { mu.Lock() }

func choose(a, b chan int) {
	select {
	case <-a:
	case <-b:
	}
}

// Keeps a thread in the kernel.
func read(fd int) {
	var buffer [1]byte
	syscall.Read(fd, buffer[:])
}

func main() {
	var mu sync.Mutex
	var fds [2]int
	mu.Lock()
	if syscall.Pipe(fds[:]) != nil {
		os.Exit(1)
	}
	for i := 0; i < 5; i++ {
		go receive(make(chan int))
		go send(make(chan int))
		go choose(make(chan int), nil)
		go lock(&mu)
	}
	for i := 0; i < 3; i++ {
		go read(fds[0])
	}
	go time.Sleep(time.Hour)
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	select {}
}
