// A tree of goroutines, three levels deep, three children each. Those that started others have
// ended, but for the first branch.
package main

import (
	"sync"

	"samples/truth"
)

func branch(level int, stays bool, started *sync.WaitGroup, c chan int) {
	if level == 0 {
		started.Done()
		<-truth.ToReceive(c)
		return
	}
	for i := 0; i < 3; i++ {
		go branch(level-1, stays, started, c)
	}
	if stays {
		started.Done()
		<-truth.ToReceive(c)
	}
}

func main() {
	var started sync.WaitGroup
	c := make(chan int)
	started.Add(2*9 + 4)
	go branch(2, true, &started, c)
	go branch(2, false, &started, c)
	started.Wait()
	truth.Ready(0)
	truth.Rest()
}
