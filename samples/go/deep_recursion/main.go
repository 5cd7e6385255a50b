// Stacks of 40, 100 and 500 calls, the last of them through two functions in turn.
package main

import "samples/truth"

//go:noinline
func descend(depth int, c chan int) int {
	if depth == 0 {
		return <-truth.ToReceive(c)
	}
	return descend(depth-1, c) + 1
}

//go:noinline
func ping(depth int, c chan int) int {
	if depth == 0 {
		return <-truth.ToReceive(c)
	}
	return pong(depth-1, c) + 1
}

//go:noinline
func pong(depth int, c chan int) int { return ping(depth, c) * 2 }

func main() {
	go descend(39, make(chan int))
	go descend(98, make(chan int))
	go ping(249, make(chan int))
	truth.Ready(0)
	truth.Rest()
}
