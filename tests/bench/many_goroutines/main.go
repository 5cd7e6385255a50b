// N goroutines (the argument, default 10000) parked in five ways: a channel nobody writes to, a
// mutex that main holds, a wait group, time.Sleep and a select of two channels. Each way has its
// own creator and six to ten frames. SIGXCPU dumps it at once, without the text of a crash that
// takes minutes for a million. For the benchmark.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Global, so that nothing can be proved of who waits.
var shop = server{orders: make(chan int), replies: make(chan string), stop: make(chan int)}

type server struct {
	started  int64
	stop     chan int
	orders   chan int
	replies  chan string
	account  sync.Mutex
	finished sync.WaitGroup
	balance  int
}

//go:noinline
func (s *server) takeOrder() int { return <-s.orders }

//go:noinline
func (s *server) serveOrders() int { return s.takeOrder() + 1 }

//go:noinline
func (s *server) bookOrder() {
	s.account.Lock()
	s.balance++
	s.account.Unlock()
}

//go:noinline
func (s *server) serveBookings() { s.bookOrder(); s.balance++ }

//go:noinline
func (s *server) awaitFinish() { s.finished.Wait() }

//go:noinline
func (s *server) serveFinish() { s.awaitFinish(); s.balance++ }

//go:noinline
func (s *server) sleepLong() { time.Sleep(1000 * time.Hour) }

//go:noinline
func (s *server) serveTimer() { s.sleepLong(); s.balance++ }

//go:noinline
func (s *server) chooseReply() string {
	select {
	case reply := <-s.replies:
		return reply
	case order := <-s.orders:
		return strconv.Itoa(order)
	}
}

//go:noinline
func (s *server) serveReplies() int { return len(s.chooseReply()) }

//go:noinline
func startOrders(s *server, num int) {
	for i := 0; i < num; i++ {
		go func() { atomic.AddInt64(&s.started, 1); s.serveOrders() }()
	}
}

//go:noinline
func startBookings(s *server, num int) {
	for i := 0; i < num; i++ {
		go func() { atomic.AddInt64(&s.started, 1); s.serveBookings() }()
	}
}

//go:noinline
func startFinishers(s *server, num int) {
	for i := 0; i < num; i++ {
		go func() { atomic.AddInt64(&s.started, 1); s.serveFinish() }()
	}
}

//go:noinline
func startTimers(s *server, num int) {
	for i := 0; i < num; i++ {
		go func() { atomic.AddInt64(&s.started, 1); s.serveTimer() }()
	}
}

//go:noinline
func startRepliers(s *server, num int) {
	for i := 0; i < num; i++ {
		go func() { atomic.AddInt64(&s.started, 1); s.serveReplies() }()
	}
}

func main() {
	num := 10000
	if len(os.Args) > 1 {
		num, _ = strconv.Atoi(os.Args[1])
	}
	s := &shop
	s.account.Lock()
	s.finished.Add(1)
	for _, start := range []func(*server, int){
		startOrders, startBookings, startFinishers, startTimers, startRepliers} {
		start(s, num/5)
	}
	for atomic.LoadInt64(&s.started) < int64(num/5*5) {
		time.Sleep(time.Millisecond)
	}
	// The last ones are on their way to where they wait; a collection notes since when they do.
	time.Sleep(500 * time.Millisecond)
	runtime.GC()
	dumpAtSIGXCPU()
	fmt.Println("ready")
	<-s.stop
}

// Gives the signal back to the kernel: struct kernel_sigaction, all zero, is SIG_DFL.
func dumpAtSIGXCPU() {
	var action [4]uint64
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGXCPU),
		uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	if errno != 0 {
		panic(errno)
	}
}
