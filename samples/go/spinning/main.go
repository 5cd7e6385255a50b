// Two goroutines compute without end, one waits for them.
package main

import (
	"runtime"

	"samples/truth"
)

var stop bool

func spinEmpty() {
	for {
	}
}

func step(x uint64) uint64 {
	return x*6364136223846793005 + 1442695040888963407
}

func spinComputing(result chan<- uint64) {
	x := uint64(1)
	for !stop {
		x = step(x)
	}
	result <- x
}

func waitForResult(result <-chan uint64) {
	println(<-truth.ToReceive(result))
}

func main() {
	runtime.GOMAXPROCS(4)
	result := make(chan uint64)
	go waitForResult(result)
	go spinEmpty()
	go spinComputing(result)
	truth.Ready(2)
	truth.Rest()
}
