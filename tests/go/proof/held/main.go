// Command held keeps what goroutines wait for in every way a Go program can: none of them is stuck.
//
// It prints "ready", and "woken" once it was told to wake them all and has done so: each way finds
// its channel or lock where it is kept and nowhere else. What is only in a variable of start would
// prove nothing: start runs in a goroutine of its own, which ends. Three goroutines are stuck, in
// forgotten: a search that finds nothing at all is none.
//
//	held [gc]    with gc, garbage is collected before "ready"
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

type way struct {
	name  string
	start func()
	wake  func()
	noGC  bool // a collection would end it
}

var (
	ways     []way
	waking   int32
	woken    int64
	expected int64
)

func add(name string, start, wake func()) {
	ways = append(ways, way{name: name, start: start, wake: wake})
}

// expect says that n goroutines of a way will wait.
func expect(n int64) { atomic.AddInt64(&expected, n) }

func isWaking() bool { return atomic.LoadInt32(&waking) != 0 }

// receive waits on a channel in a goroutine of its own.
func receive(c chan int) {
	expect(1)
	go func() {
		<-c
		atomic.AddInt64(&woken, 1)
	}()
}

// poll returns when everything is to wake up; it sleeps meanwhile.
func poll() {
	for !isWaking() {
		time.Sleep(10 * time.Millisecond)
	}
}

func nothing() {}

//go:noinline
func forgotten(c chan int) { <-c }

func main() {
	gc := len(os.Args) > 1 && os.Args[1] == "gc"
	debug.SetGCPercent(-1)
	for _, w := range ways {
		if gc && w.noGC {
			continue
		}
		done := make(chan bool)
		go func(start func()) {
			start()
			close(done)
		}(w.start)
		<-done
	}
	forgetting := make(chan bool)
	go func() {
		for i := 0; i < 3; i++ {
			go forgotten(make(chan int))
		}
		close(forgetting)
	}()
	<-forgetting
	time.Sleep(50 * time.Millisecond)
	if gc {
		runtime.GC()
		runtime.GC()
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	atomic.StoreInt32(&waking, 1)
	for _, first := range []bool{true, false} {
		for _, w := range ways {
			if w.noGC == first && !(gc && w.noGC) {
				w.wake()
			}
		}
	}
	for i := 0; i < 3000 && atomic.LoadInt64(&woken) < atomic.LoadInt64(&expected); i++ {
		if i%100 == 99 {
			runtime.GC()
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := atomic.LoadInt64(&expected) - atomic.LoadInt64(&woken); n != 0 {
		fmt.Printf("%d of %d still wait\n", n, expected)
		buffer := make([]byte, 1<<20)
		os.Stdout.Write(buffer[:runtime.Stack(buffer, true)])
		os.Exit(1)
	}
	fmt.Println("woken", expected, "ways", len(ways))
}
