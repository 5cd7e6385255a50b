// Command serve has two handlers, each a goroutine that stays. A line "a 3" makes the first one
// leave three goroutines behind, "b 1" the second one a single one. It prints the handlers' numbers
// first, and "done" after each line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

func answer(started, reply chan int) {
	started <- 1
	reply <- 1
}

func handle(ids chan<- string, orders <-chan int, done chan<- bool) {
	var header [64]byte
	ids <- strings.Fields(string(header[:runtime.Stack(header[:], false)]))[1]
	for number := range orders {
		for i := 0; i < number; i++ {
			started := make(chan int)
			go answer(started, make(chan int))
			<-started
		}
		done <- true
	}
}

func ended(ids chan<- string) {
	var header [64]byte
	ids <- strings.Fields(string(header[:runtime.Stack(header[:], false)]))[1]
}

// quiet waits until what was left behind rests.
func quiet() {
	text := make([]byte, 1<<20)
	for strings.Contains(string(text[:runtime.Stack(text, true)]), "[runnable") {
		time.Sleep(time.Millisecond)
	}
}

func main() {
	ids, done := make(chan string), make(chan bool)
	a, b := make(chan int), make(chan int)
	go handle(ids, a, done)
	first := <-ids
	go handle(ids, b, done)
	second := <-ids
	go ended(ids)
	fmt.Println("ready", first, second, <-ids)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var number int
		fmt.Sscan(lines.Text(), &name, &number)
		if name == "a" {
			a <- number
		} else {
			b <- number
		}
		<-done
		quiet()
		fmt.Println("done")
	}
}
