// N goroutines (the argument, default 100000) parked in five ways on channels and locks of their
// own, ten to each, that nothing else reaches: all are leaked. Prints "ready" and waits for a line
// of its input; then, for each line, takes the runtime's own profile of leaked goroutines and
// prints how many it found and how many seconds it took, or that there is no such profile. For the
// benchmark.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type server struct {
	orders   chan int
	replies  chan string
	account  sync.Mutex
	finished sync.WaitGroup
	balance  int
}

// The only word that all share.
var started int64

//go:noinline
func (s *server) takeOrder() { atomic.AddInt64(&started, 1); s.balance += <-s.orders }

//go:noinline
func (s *server) giveReply() { atomic.AddInt64(&started, 1); s.replies <- "done" }

//go:noinline
func (s *server) bookOrder() { atomic.AddInt64(&started, 1); s.account.Lock(); s.balance++ }

//go:noinline
func (s *server) awaitFinish() { atomic.AddInt64(&started, 1); s.finished.Wait(); s.balance++ }

//go:noinline
func (s *server) chooseOrder() {
	atomic.AddInt64(&started, 1)
	select {
	case s.balance = <-s.orders:
	case s.replies <- "none":
	}
}

//go:noinline
func leakTen() {
	s := &server{orders: make(chan int), replies: make(chan string)}
	s.account.Lock()
	s.finished.Add(1)
	for i := 0; i < 2; i++ {
		go s.takeOrder()
		go s.bookOrder()
		go s.awaitFinish()
	}
	t := &server{orders: make(chan int), replies: make(chan string)}
	for i := 0; i < 2; i++ {
		go t.giveReply()
	}
	u := &server{orders: make(chan int), replies: make(chan string)}
	go u.chooseOrder()
	v := &server{orders: make(chan int), replies: make(chan string)}
	go v.chooseOrder()
}

func main() {
	num := 100000
	if len(os.Args) > 1 {
		num, _ = strconv.Atoi(os.Args[1])
	}
	for i := 0; i < num/10; i++ {
		leakTen()
	}
	for atomic.LoadInt64(&started) < int64(num/10*10) {
		time.Sleep(time.Millisecond)
	}
	// The last ones are on their way to where they wait.
	time.Sleep(500 * time.Millisecond)
	runtime.GC()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		profile := pprof.Lookup("goroutineleak")
		if profile == nil {
			fmt.Println("no such profile")
			continue
		}
		var text bytes.Buffer
		begin := time.Now()
		profile.WriteTo(&text, 1)
		took := time.Since(begin)
		fmt.Println(strings.Fields(text.String())[3], took.Seconds())
	}
}
