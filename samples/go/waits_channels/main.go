// Every way to wait for channels; one goroutine each, named after what it does.
package main

import (
	"context"
	"io"
	"time"

	"samples/truth"
)

type message struct {
	number int
	text   string
}

var sink int

func receive(c chan int)           { sink = <-c }
func receiveTwoValues(c chan int)  { _, ok := <-c; println(ok) }
func receiveStruct(c chan message) { m := <-c; sink = m.number }
func receiveRange(c chan string) {
	for s := range c {
		sink += len(s)
	}
}
func receiveNil(c chan int)           { <-c }
func receiveBuffered(c chan int)      { <-c }
func send(c chan int)                 { c <- 1 }
func sendStruct(c chan message)       { c <- message{1, "one"} }
func sendNil(c chan int)              { c <- 1 }
func sendFull(c chan int)             { c <- 4 }
func receiveDone(ctx context.Context) { <-ctx.Done() }
func receiveAfter()                   { <-time.After(1000 * time.Hour) }
func receiveTicks(t *time.Ticker) {
	for range t.C {
		sink++
	}
}

func selectTwo(a, b chan int) {
	select {
	case sink = <-a:
	case sink = <-b:
	}
}

func selectBothWays(in chan int, out chan message) {
	select {
	case sink = <-in:
	case out <- message{2, "two"}:
	}
}

func selectTimer(c chan int) {
	timer := time.NewTimer(1000 * time.Hour)
	defer timer.Stop()
	select {
	case sink = <-c:
	case <-timer.C:
	}
}

func selectDone(ctx context.Context, c chan int) {
	select {
	case sink = <-c:
	case <-ctx.Done():
	}
}

func selectNil(a, b chan int) {
	select {
	case sink = <-a:
	case b <- 1:
	}
}

func selectSame(c chan int) {
	select {
	case sink = <-c:
	case c <- 1:
	}
}

func selectNothing() { select {} }

func readPipe(r io.Reader) { r.Read(make([]byte, 16)) }

func selectMany(channels [8]chan int) {
	select {
	case <-channels[0]:
	case <-channels[1]:
	case <-channels[2]:
	case <-channels[3]:
	case channels[4] <- 1:
	case channels[5] <- 1:
	case <-channels[6]:
	case <-channels[7]:
	}
}

func sleepLong() { time.Sleep(1000 * time.Hour) }

func main() {
	full := make(chan int, 3)
	for i := 0; i < cap(full); i++ {
		full <- i
	}
	canceled, cancel := context.WithCancel(context.Background())
	timed, cancelTimed := context.WithTimeout(canceled, 1000*time.Hour)
	defer cancel()
	defer cancelTimed()
	ticker := time.NewTicker(1000 * time.Hour)
	var many [8]chan int
	for i := range many {
		many[i] = make(chan int)
	}
	reader, writer := io.Pipe()

	go receive(make(chan int))
	go receiveTwoValues(make(chan int))
	go receiveStruct(make(chan message))
	go receiveRange(make(chan string))
	go receiveNil(nil)
	go receiveBuffered(make(chan int, 4))
	go send(make(chan int))
	go sendStruct(make(chan message))
	go sendNil(nil)
	go sendFull(full)
	go receiveDone(canceled)
	go receiveDone(timed)
	go receiveDone(context.Background())
	go receiveAfter()
	go receiveTicks(ticker)
	go selectTwo(make(chan int), make(chan int))
	go selectBothWays(make(chan int), make(chan message))
	go selectTimer(make(chan int))
	go selectDone(timed, make(chan int))
	go selectNil(nil, nil)
	go selectSame(make(chan int))
	go selectNothing()
	go selectMany(many)
	go readPipe(reader)
	go sleepLong()
	truth.Ready(0)
	truth.Rest()
	writer.Close()
}
