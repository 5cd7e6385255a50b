// Command down has a goroutine as many calls deep as its argument says, which then waits.
package main

import (
	"os"
	"strconv"
)

var returned int

//go:noinline
func descend(left int, forever chan int) {
	if left > 1 {
		descend(left-1, forever)
	} else {
		os.Stdout.WriteString("ready\n")
		<-forever
	}
	returned++
}

func main() {
	depth, _ := strconv.Atoi(os.Args[1])
	forever := make(chan int)
	go descend(depth, forever)
	select {
	case <-forever:
	}
}
