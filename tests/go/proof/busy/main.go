// Command busy keeps goroutines waiting for each other whose channels and locks are on the move all
// the time: none of them is ever stuck for good, at no moment.
//
// It prints "ready" and goes on until its input ends, then lets all goroutines finish and prints
// "finished", or says how many did not.
//
//	busy [KIND...]    by default all kinds but never
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var (
	stopping int32
	rounds   int64
	working  sync.WaitGroup
	kinds    = map[string]func(){}
)

func isStopping() bool { return atomic.LoadInt32(&stopping) != 0 }

// repeat calls f until everything stops, in a goroutine of its own.
func repeat(f func()) {
	working.Add(1)
	go func() {
		defer working.Done()
		for !isStopping() {
			f()
			atomic.AddInt64(&rounds, 1)
		}
	}()
}

//go:noinline
func receive(c chan int) chan bool {
	ended := make(chan bool, 1)
	go func() { <-c; ended <- true }()
	return ended
}

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		for name := range kinds {
			if name != "never" {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		kinds[name]()
	}
	repeat(func() { runtime.GC(); time.Sleep(time.Millisecond) })
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
	atomic.StoreInt32(&stopping, 1)
	finished := make(chan bool)
	go func() { working.Wait(); close(finished) }()
	for i := 0; ; i++ {
		select {
		case <-finished:
			fmt.Println("finished", rounds)
			return
		case <-time.After(100 * time.Millisecond):
			runtime.GC() // finalizers may have to run
		}
		if i == 300 {
			buffer := make([]byte, 1<<20)
			os.Stdout.Write(buffer[:runtime.Stack(buffer, true)])
			fmt.Println("not finished")
			os.Exit(1)
		}
	}
}
