package main

import (
	"context"
	"net"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What goroutines, the runtime and the kernel keep.

var (
	waitPipe    [2]int
	readPipe    *os.File
	writePipe   *os.File
	cancel      context.CancelFunc
	cancelOuter context.CancelFunc
	dialed      net.Conn
	firstOf     chan int
	through     = make(chan chan int)
	reflected   chan int
	oneOfTwo    chan int
	guarded     = new(sync.Mutex)
	shared      = new(sync.RWMutex)
	shared2     = new(sync.RWMutex)
	group       = new(sync.WaitGroup)
	cond        = sync.NewCond(new(sync.Mutex))
	once        = new(sync.Once)
	embedded    = new(struct {
		padding [20]int
		lock    sync.Mutex
	})
	droppable *dropped
	finishing = make(chan int)
)

type dropped struct {
	padding [8]int
	c       chan int
}

type onStack struct {
	padding [4]int
	c       chan int
}

//go:noinline
func useLater(s *onStack) { poll(); close(s.c) }

//go:noinline
func fill(s *onStack) { s.c = make(chan int); receive(s.c) }

func done() { atomic.AddInt64(&woken, 1) }

// wait starts a goroutine that waits in f.
func wait(f func()) {
	expect(1)
	go func() { f(); done() }()
}

//go:noinline
func hold(c chan int) {
	poll()
	close(c)
}

//go:noinline
func spin(c chan int) {
	for !isWaking() {
	}
	close(c)
}

func rearm(c chan int) {
	if isWaking() {
		close(c)
		return
	}
	time.AfterFunc(5*time.Millisecond, func() { rearm(c) })
}

func panics(c chan int) {
	defer func() {
		poll()
		close(recover().(chan int))
	}()
	panic(c)
}

func init() {
	add("variable of a sleeping goroutine", func() { c := make(chan int); receive(c); go hold(c) }, nothing)
	add("variable on a stack, by its address", func() {
		go func() {
			var s onStack
			fill(&s)
			useLater(&s)
		}()
	}, nothing)
	add("goroutine in a system call", func() {
		syscall.Pipe(waitPipe[:])
		c := make(chan int)
		receive(c)
		go func() {
			var byte [1]byte
			syscall.Read(waitPipe[0], byte[:])
			close(c)
		}()
	}, func() { syscall.Write(waitPipe[1], []byte("x")) })
	add("goroutine that waits for a pipe", func() {
		readPipe, writePipe, _ = os.Pipe()
		c := make(chan int)
		receive(c)
		go func() {
			var byte [1]byte
			readPipe.Read(byte[:])
			close(c)
		}()
	}, func() { writePipe.Write([]byte("x")) })
	add("goroutine that waits for the network", func() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		c := make(chan int)
		receive(c)
		go func() {
			conn, _ := listener.Accept()
			var byte [1]byte
			conn.Read(byte[:])
			close(c)
		}()
		dialed, _ = net.Dial("tcp", listener.Addr().String())
	}, func() { dialed.Write([]byte("x")) })
	add("chain of waiting goroutines", func() {
		firstOf = make(chan int)
		before := firstOf
		for i := 0; i < 20; i++ {
			next := make(chan int)
			expect(1)
			go func(before, next chan int) { <-before; close(next); done() }(before, next)
			before = next
		}
		receive(before)
	}, func() { close(firstOf) })
	add("value that a goroutine sends", func() {
		c := make(chan int)
		receive(c)
		expect(1)
		go func() { through <- c; done() }()
	}, func() { close(<-through) })
	add("deferred call", func() {
		c := make(chan int)
		receive(c)
		go func() { defer close(c); poll() }()
	}, nothing)
	add("deferred calls in a loop", func() {
		var all []chan int
		for i := 0; i < 5; i++ {
			all = append(all, make(chan int))
			receive(all[i])
		}
		go func() {
			for i := range all {
				c := all[i]
				defer func() { close(c) }()
			}
			all = nil
			poll()
		}()
	}, nothing)
	add("panic", func() { c := make(chan int); receive(c); go panics(c) }, nothing)
	add("timer's function", func() { c := make(chan int); receive(c); rearm(c) }, nothing)
	add("ticker", func() {
		wait(func() {
			for range time.NewTicker(20 * time.Millisecond).C {
				if isWaking() {
					return
				}
			}
		})
	}, nothing)
	add("time.After", func() {
		wait(func() {
			for !isWaking() {
				select {
				case <-time.After(15 * time.Millisecond):
				case <-make(chan int):
				}
			}
		})
	}, nothing)
	add("finalizer's closure", func() {
		c := make(chan int)
		receive(c)
		droppable = &dropped{}
		runtime.SetFinalizer(droppable, func(*dropped) { close(c) })
	}, func() { droppable = nil; runtime.GC() })
	add("finalizer's object", func() {
		d := &dropped{c: make(chan int)}
		receive(d.c)
		runtime.SetFinalizer(d, func(d *dropped) { close(d.c) })
	}, func() { runtime.GC() })
	add("finalizer that blocks", func() {
		expect(1)
		runtime.SetFinalizer(&dropped{}, func(*dropped) { <-finishing; done() })
	}, func() { close(finishing); runtime.GC() })
	add("context", func() {
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		wait(func() { <-ctx.Done() })
	}, func() { cancel() })
	add("context in a context", func() {
		var outer context.Context
		outer, cancelOuter = context.WithCancel(context.Background())
		inner, stop := context.WithTimeout(outer, time.Hour)
		wait(func() { defer stop(); <-inner.Done() })
	}, func() { cancelOuter() })
	add("context's timer", func() {
		wait(func() {
			for !isWaking() {
				ctx, stop := context.WithTimeout(context.Background(), 15*time.Millisecond)
				<-ctx.Done()
				stop()
			}
		})
	}, nothing)
	add("signal", func() {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1)
		wait(func() { <-c })
	}, func() { syscall.Kill(os.Getpid(), syscall.SIGUSR1) })
	add("mutex", func() {
		guarded.Lock()
		for i := 0; i < 3; i++ {
			wait(func() { guarded.Lock(); guarded.Unlock() })
		}
	}, func() { guarded.Unlock() })
	add("mutex inside of a struct", func() {
		embedded.lock.Lock()
		wait(func() { embedded.lock.Lock(); embedded.lock.Unlock() })
	}, func() { embedded.lock.Unlock() })
	add("read-write mutex, readers", func() {
		shared.Lock()
		for i := 0; i < 3; i++ {
			wait(func() { shared.RLock(); shared.RUnlock() })
		}
	}, func() { shared.Unlock() })
	add("read-write mutex, writers", func() {
		shared2.RLock()
		for i := 0; i < 3; i++ {
			wait(func() { shared2.Lock(); shared2.Unlock() })
		}
	}, func() { shared2.RUnlock() })
	add("wait group", func() {
		group.Add(1)
		wait(func() { group.Wait() })
	}, func() { group.Done() })
	add("condition", func() {
		for i := 0; i < 3; i++ {
			wait(func() {
				cond.L.Lock()
				for !isWaking() {
					cond.Wait()
				}
				cond.L.Unlock()
			})
		}
	}, func() { cond.L.Lock(); cond.Broadcast(); cond.L.Unlock() })
	add("once", func() {
		wait(func() { once.Do(poll) })
		time.Sleep(5 * time.Millisecond)
		wait(func() { once.Do(poll) })
	}, nothing)
	add("lock of a sleeping goroutine", func() {
		lock := new(sync.Mutex)
		lock.Lock()
		wait(func() { lock.Lock() })
		go func() { poll(); lock.Unlock() }()
	}, nothing)
	add("wait group of sleeping goroutines", func() {
		var own sync.WaitGroup
		own.Add(2)
		for i := 0; i < 2; i++ {
			go func() { defer own.Done(); poll() }()
		}
		wait(func() { own.Wait() })
	}, nothing)
	add("reflect.Select", func() {
		reflected = make(chan int)
		cases := []reflect.SelectCase{
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(make(chan int))},
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(reflected)},
		}
		wait(func() { reflect.Select(cases) })
	}, func() { close(reflected) })
	add("one of a select's", func() {
		oneOfTwo = make(chan int)
		c, lost := oneOfTwo, make(chan string)
		wait(func() {
			select {
			case <-c:
			case lost <- "":
			}
		})
	}, func() { close(oneOfTwo) })
	add("goroutine that computes", func() {
		c := make(chan int)
		receive(c)
		go spin(c)
	}, nothing)
	add("goroutine that yields", func() {
		c := make(chan int)
		receive(c)
		go func() {
			for !isWaking() {
				runtime.Gosched()
			}
			close(c)
		}()
	}, nothing)
	add("goroutine with a thread of its own", func() {
		c := make(chan int)
		receive(c)
		go func() { runtime.LockOSThread(); hold(c) }()
	}, nothing)
	add("argument of a deep call", func() {
		c := make(chan int)
		receive(c)
		go deep(200, c)
	}, nothing)
}

//go:noinline
func deep(n int, c chan int) int {
	if n == 0 {
		hold(c)
		return 0
	}
	return deep(n-1, c) + 1
}
