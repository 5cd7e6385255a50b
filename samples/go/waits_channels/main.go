// Every way to wait for channels; one goroutine each, named after what it does.
package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"samples/truth"
)

type message struct {
	number int
	text   string
}

// reader is a context's key.
type reader struct{}

const long = 1000 * time.Hour

var sink int

func receive(c chan int)           { truth.Receiving(c); sink = <-c }
func receiveTwoValues(c chan int)  { truth.Receiving(c); _, ok := <-c; println(ok) }
func receiveStruct(c chan message) { truth.Receiving(c); m := <-c; sink = m.number }
func receiveRange(c chan string) {
	truth.Receiving(c)
	for s := range c {
		sink += len(s)
	}
}
func receiveNil(c chan int)      { truth.Receiving(c); <-c }
func receiveBuffered(c chan int) { truth.Receiving(c); <-c }
func send(c chan int)            { truth.Sending(c); c <- 1 }
func sendStruct(c chan message)  { truth.Sending(c); c <- message{1, "one"} }
func sendNil(c chan int)         { truth.Sending(c); c <- 1 }
func sendFull(c chan int)        { truth.Sending(c); c <- 4 }

func receiveDone(ctx context.Context, early int64, contexts string) {
	truth.Receiving(ctx.Done(), "kind=context", "contexts="+contexts)
	if early != 0 {
		truth.Within(long, early)
	}
	<-ctx.Done()
}

func receiveAfter() {
	early := truth.Clock()
	c := time.After(long)
	truth.Receiving(c, "kind=timer")
	truth.Within(long, early)
	<-c
}

func receiveTicks(t *time.Ticker, early int64) {
	truth.Receiving(t.C, "kind=timer", fmt.Sprintf("period=%d", long))
	truth.Within(long, early)
	for range t.C {
		sink++
	}
}

func selectTwo(a, b chan int) {
	truth.Selecting(truth.Receive(a), truth.Receive(b))
	select {
	case sink = <-a:
	case sink = <-b:
	}
}

func selectBothWays(in chan int, out chan message) {
	truth.Selecting(truth.Send(out), truth.Receive(in))
	select {
	case sink = <-in:
	case out <- message{2, "two"}:
	}
}

func selectTimer(c chan int) {
	early := truth.Clock()
	timer := time.NewTimer(long)
	defer timer.Stop()
	truth.Selecting(truth.Receive(c), truth.Receive(timer.C))
	truth.Within(long, early)
	select {
	case sink = <-c:
	case <-timer.C:
	}
}

func selectDone(ctx context.Context, early int64, c chan int) {
	truth.Selecting(truth.Receive(c), truth.Receive(ctx.Done()))
	truth.Within(long, early)
	select {
	case sink = <-c:
	case <-ctx.Done():
	}
}

func selectNil(a, b chan int) {
	truth.Selecting(truth.Send(b), truth.Receive(a))
	select {
	case sink = <-a:
	case b <- 1:
	}
}

// selectSome has a nil channel among its cases.
func selectSome(a, b, c chan int) {
	truth.Selecting(truth.Send(b), truth.Receive(a), truth.Receive(c))
	select {
	case sink = <-a:
	case b <- 1:
	case sink = <-c:
	}
}

func selectSame(c chan int) {
	truth.Selecting(truth.Send(c), truth.Receive(c))
	select {
	case sink = <-c:
	case c <- 1:
	}
}

func selectNothing() { truth.Selecting(); select {} }

func readPipe(r io.Reader) { r.Read(make([]byte, 16)) }

func selectMany(channels [8]chan int) {
	var cases []truth.Case
	for _, i := range []int{4, 5} {
		cases = append(cases, truth.Send(channels[i]))
	}
	for _, i := range []int{0, 1, 2, 3, 6, 7} {
		cases = append(cases, truth.Receive(channels[i]))
	}
	truth.Selecting(cases...)
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

func sleepLong() { truth.Sleeping(long); time.Sleep(long) }

func main() {
	full := make(chan int, 3)
	for i := 0; i < cap(full); i++ {
		full <- i
	}
	canceled, cancel := context.WithCancel(context.Background())
	early := truth.Clock()
	timed, cancelTimed := context.WithTimeout(
		context.WithValue(canceled, reader{}, 1), long)
	defer cancel()
	defer cancelTimed()
	ticker := time.NewTicker(long)
	var many [8]chan int
	for i := range many {
		many[i] = make(chan int)
	}
	pipeReader, pipeWriter := io.Pipe()

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
	const root = "context.backgroundCtx"
	go receiveDone(canceled, 0, "context.cancelCtx,"+root)
	go receiveDone(timed, early,
		"context.timerCtx,context.valueCtx,context.cancelCtx,"+root)
	go receiveDone(context.Background(), 0, "")
	go receiveAfter()
	go receiveTicks(ticker, early)
	go selectTwo(make(chan int), make(chan int))
	go selectBothWays(make(chan int), make(chan message))
	go selectTimer(make(chan int))
	go selectDone(timed, early, make(chan int))
	go selectNil(nil, nil)
	go selectSame(make(chan int))
	go selectSome(make(chan int), nil, make(chan int))
	go selectNothing()
	go selectMany(many)
	go readPipe(pipeReader)
	go sleepLong()
	truth.Ready(0)
	truth.Rest()
	pipeWriter.Close()
}
