// 1,000 goroutines lived at the same time and have ended; three still wait.
package main

import (
	"runtime"
	"sync"

	"samples/truth"
)

func visit(open chan int, started, ended *sync.WaitGroup) {
	defer ended.Done()
	started.Done()
	<-open
}

func stay(c chan int) { truth.Receiving(c); <-c }

func main() {
	open := make(chan int)
	var started, ended sync.WaitGroup
	started.Add(1000)
	ended.Add(1000)
	for i := 0; i < 1000; i++ {
		go visit(open, &started, &ended)
	}
	started.Wait()
	close(open)
	ended.Wait()
	runtime.GC()
	for i := 0; i < 3; i++ {
		go stay(make(chan int))
	}
	truth.Ready(0)
	truth.Rest()
}
