// 10,000 goroutines (or as many as the first argument says) behind one mutex and one channel.
package main

import (
	"os"
	"strconv"
	"sync"

	"samples/truth"
)

func work(jobs chan int, done *sync.WaitGroup) {
	done.Done()
	for job := range truth.ToReceive(jobs) {
		println(job)
	}
}

func main() {
	workers := 10000
	if len(os.Args) > 1 {
		workers, _ = strconv.Atoi(os.Args[1])
	}
	jobs := make(chan int)
	var started sync.WaitGroup
	started.Add(workers)
	for i := 0; i < workers; i++ {
		go work(jobs, &started)
	}
	started.Wait()
	truth.Ready(0)
	truth.Rest()
}
