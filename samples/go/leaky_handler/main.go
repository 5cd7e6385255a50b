// Each visit leaves a goroutine behind: consume waits for more after produce has ended.
package main

import (
	"os"
	"strconv"

	"samples/truth"
)

func produce(items chan<- int) {
	for i := 0; i < 3; i++ {
		items <- i
	}
}

func consume(items <-chan int) (sum int) {
	for item := range truth.ToReceive(items) {
		sum += item
	}
	return sum
}

func handle() {
	items := make(chan int)
	go produce(items)
	go consume(items)
}

func main() {
	visits := 40
	if len(os.Args) > 1 {
		visits, _ = strconv.Atoi(os.Args[1])
	}
	for i := 0; i < visits; i++ {
		handle()
	}
	truth.Ready(0)
	truth.Rest()
}
