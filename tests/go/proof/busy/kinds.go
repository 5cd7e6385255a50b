package main

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"
)

type item struct {
	padding [4]int
	c       chan int
}

type node struct {
	next *node
	c    chan int
}

// A channel that somebody waits on goes from hand to hand; the last one closes it.
func ring() {
	const size = 32
	hands := make([]chan chan int, size)
	for i := range hands {
		hands[i] = make(chan chan int)
	}
	for i := range hands {
		from, to := hands[i], hands[(i+1)%size]
		last := i == size-1
		working.Add(1)
		go func() {
			defer working.Done()
			for c := range from {
				if last {
					close(c)
				} else {
					to <- c
				}
			}
			if !last {
				close(to)
			}
		}()
	}
	var givers sync.WaitGroup
	for i := 0; i < 4; i++ {
		givers.Add(1)
		go func() {
			defer givers.Done()
			for !isStopping() {
				c := make(chan int)
				ended := receive(c)
				hands[0] <- c
				c = nil
				<-ended
			}
		}()
	}
	working.Add(1)
	go func() { defer working.Done(); givers.Wait(); close(hands[0]) }()
}

//go:noinline
func closeLater(d time.Duration) chan bool {
	c := make(chan int)
	time.AfterFunc(d, func() { close(c) })
	return receive(c)
}

// What a timer's function closes over is in nobody else's hands.
func timers() {
	for i := 0; i < 4; i++ {
		repeat(func() {
			var ended []chan bool
			for k := 1; k <= 20; k++ {
				ended = append(ended, closeLater(time.Duration(k*7)*time.Microsecond))
			}
			for _, e := range ended {
				<-e
			}
		})
	}
	repeat(func() {
		select {
		case <-time.After(50 * time.Microsecond):
		case <-make(chan int):
		}
	})
	repeat(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
		<-ctx.Done()
		cancel()
	})
}

// Goroutines close channels and send to them, and let go of them at once.
func closers() {
	for i := 0; i < 4; i++ {
		repeat(func() {
			c, d := make(chan int), make(chan *item)
			ended := receive(c)
			go func() { close(c) }()
			<-ended
			go func() { d <- &item{c: make(chan int)} }()
			it := <-d
			ended = receive(it.c)
			go func() { it.c <- 1 }()
			<-ended
		})
	}
	repeat(func() {
		a, b, c := make(chan int), make(chan int), make(chan int, 1)
		go func() { runtime.Gosched(); b <- 1 }()
		select {
		case <-a:
		case <-b:
		}
		c <- 1
		go func() { <-c; close(a) }()
		select {
		case c <- 2:
			<-a
		case <-a:
		}
	})
}

// Locks and counters that nobody has a pointer to but those who wait and the one who lets go.
func locks() {
	for i := 0; i < 3; i++ {
		repeat(func() {
			mu := &struct {
				padding [10]int
				sync.Mutex
			}{}
			var wg sync.WaitGroup
			mu.Lock()
			for k := 0; k < 5; k++ {
				wg.Add(1)
				go func() { mu.Lock(); mu.Unlock(); wg.Done() }()
			}
			runtime.Gosched()
			go func() { mu.Unlock() }()
			wg.Wait()
		})
	}
	repeat(func() {
		rw := new(sync.RWMutex)
		var wg sync.WaitGroup
		rw.Lock()
		for k := 0; k < 4; k++ {
			wg.Add(2)
			go func() { rw.RLock(); rw.RUnlock(); wg.Done() }()
			go func() { rw.Lock(); rw.Unlock(); wg.Done() }()
		}
		go func() { rw.Unlock() }()
		wg.Wait()
	})
	repeat(func() {
		cond := sync.NewCond(new(sync.Mutex))
		var wg sync.WaitGroup
		ready := 0
		for k := 0; k < 5; k++ {
			wg.Add(1)
			go func() {
				cond.L.Lock()
				for ready == 0 {
					cond.Wait()
				}
				cond.L.Unlock()
				wg.Done()
			}()
		}
		runtime.Gosched()
		go func() { cond.L.Lock(); ready = 1; cond.L.Unlock(); cond.Broadcast() }()
		wg.Wait()
	})
	repeat(func() {
		once, ended := new(sync.Once), make(chan bool, 3)
		for k := 0; k < 3; k++ {
			go func() { once.Do(runtime.Gosched); ended <- true }()
		}
		for k := 0; k < 3; k++ {
			<-ended
		}
	})
}

//go:noinline
func dropItem() chan bool {
	it := &item{c: make(chan int)}
	runtime.SetFinalizer(it, func(it *item) { close(it.c) })
	return receive(it.c)
}

//go:noinline
func dropClosure() chan bool {
	c := make(chan int)
	runtime.SetFinalizer(&item{}, func(*item) { runtime.Gosched(); close(c) })
	return receive(c)
}

// Only finalizers end these waits: set, due and running ones.
func finalizers() {
	repeat(func() {
		var ended []chan bool
		for k := 0; k < 150; k++ {
			ended = append(ended, dropItem(), dropClosure())
		}
		runtime.GC()
		for _, e := range ended {
			<-e
		}
	})
}

// Channels in an array that is turned round again and again: for a moment some are in vector
// registers alone.
func turned() {
	for i := 0; i < 2; i++ {
		repeat(func() {
			const size = 60
			queue := make([]chan int, size)
			var ended [size]chan bool
			for k := range queue {
				queue[k] = make(chan int)
				ended[k] = receive(queue[k])
			}
			for k := 0; k < 3000; k++ {
				turn(queue, 1+k%17)
			}
			for _, c := range queue {
				close(c)
			}
			for _, e := range ended {
				<-e
			}
		})
	}
}

// turn moves all by n places to the left, or to the right.
//
//go:noinline
func turn(queue []chan int, n int) {
	var spare [20]chan int
	rest := len(queue) - n
	if n%2 == 0 {
		copy(spare[:n], queue)
		copy(queue, queue[n:])
		copy(queue[rest:], spare[:n])
		return
	}
	copy(spare[:n], queue[rest:])
	copy(queue[n:], queue[:rest])
	copy(queue, spare[:n])
}

//go:noinline
func dig(n int, c chan int, it *item) int {
	var room [40]int
	room[n%40] = n
	if n == 0 {
		close(c)
		close(it.c)
		return 0
	}
	return dig(n-1, c, it) + room[n%40]
}

// Stacks grow and are copied, with the only pointers on them.
func stacks() {
	for i := 0; i < 3; i++ {
		repeat(func() {
			c, it := make(chan int), &item{c: make(chan int)}
			a, b := receive(c), receive(it.c)
			go dig(300, c, it)
			c, it = nil, nil
			<-a
			<-b
		})
	}
}

// Maps that grow, linked lists that are turned round.
func moves() {
	repeat(func() {
		m := map[int]*item{}
		var ended []chan bool
		for k := 0; k < 300; k++ {
			m[k] = &item{c: make(chan int)}
			ended = append(ended, receive(m[k].c))
			if k > 10 && k%3 == 0 {
				close(m[k-10].c)
				delete(m, k-10)
			}
		}
		for _, it := range m {
			close(it.c)
		}
		for _, e := range ended {
			<-e
		}
	})
	repeat(func() {
		var list *node
		var ended []chan bool
		for k := 0; k < 50; k++ {
			list = &node{list, make(chan int)}
			ended = append(ended, receive(list.c))
		}
		for k := 0; k < 20; k++ {
			var turned *node
			for list != nil {
				next := list.next
				list.next = turned
				turned, list = list, next
			}
			list = turned
		}
		for ; list != nil; list = list.next {
			close(list.c)
		}
		for _, e := range ended {
			<-e
		}
	})
}

// A pipe's reader holds the channel.
func pipes() {
	repeat(func() {
		r, w, err := os.Pipe()
		if err != nil {
			return
		}
		c := make(chan int)
		ended := receive(c)
		go func() {
			r.Read(make([]byte, 1))
			close(c)
			r.Close()
		}()
		go func() { w.Write([]byte("x")); w.Close() }()
		<-ended
	})
}

func init() {
	for name, kind := range map[string]func(){"ring": ring, "timers": timers, "closers": closers,
		"locks": locks, "finalizers": finalizers, "turned": turned, "stacks": stacks,
		"moves": moves, "pipes": pipes,
		"switchedOff": switchedOff, "never": never} {
		kinds[name] = kind
	}
}

// Channels that are nil at times: a case that is switched off, one that a default passes by, and
// pairs of which one is always there.
func switchedOff() {
	repeat(func() {
		in, out := make(chan int), make(chan int)
		go func() {
			for i := 0; i < 50; i++ {
				in <- i
			}
			close(in)
		}()
		go func() {
			for range out {
			}
		}()
		source, sink := in, chan int(nil)
		for source != nil || sink != nil {
			select {
			case _, ok := <-source:
				if source, sink = nil, out; !ok {
					sink = nil
				}
			case sink <- 1:
				source, sink = in, nil
			}
		}
		close(out)
	})
	repeat(func() {
		var none chan int
		select {
		case <-none:
		case none <- 1:
		default:
			runtime.Gosched()
		}
		select {
		case <-none:
		case <-time.After(20 * time.Microsecond):
		}
	})
}

//go:noinline
func receiveNil(c chan int) { <-c }

//go:noinline
func selectNil(a, b chan int) {
	select {
	case <-a:
	case b <- 1:
	}
}

//go:noinline
func selectNothing() { select {} }

// never is no part of what runs by default: these wait for ever, beside what is on the move.
func never() {
	go receiveNil(nil)
	go selectNil(nil, nil)
	go selectNothing()
}
