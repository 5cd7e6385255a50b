// A server in good order: idle connections, a pool of workers, a ticker, signals awaited.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"samples/truth"
)

type server struct {
	jobs    chan int
	mutex   sync.Mutex
	counted int
}

func (s *server) work() {
	truth.Receiving(s.jobs)
	for range s.jobs {
		s.mutex.Lock()
		s.counted++
		s.mutex.Unlock()
	}
}

func (s *server) tick(ticker *time.Ticker, early int64) {
	truth.Receiving(ticker.C, "kind=timer", fmt.Sprint("period=", int64(time.Hour)))
	truth.Within(time.Hour, early)
	for range ticker.C {
		s.mutex.Lock()
		fmt.Println(s.counted)
		s.mutex.Unlock()
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.jobs <- 1
	fmt.Fprintln(w, "hello")
}

func (s *server) serve(listener net.Listener) {
	truth.OnObject("fd", truth.Descriptor(listener), "direction=read")
	http.Serve(listener, s)
}

func awaitSignals(signals chan os.Signal) {
	truth.Receiving(signals)
	for range signals {
	}
}

func main() {
	s := &server{jobs: make(chan int, 16)}
	for i := 0; i < 4; i++ {
		go s.work()
	}
	early := truth.Clock()
	go s.tick(time.NewTicker(time.Hour), early)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1)
	go awaitSignals(signals)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go s.serve(listener)
	// Each client keeps its connection.
	var clients [3]http.Client
	for i := range clients {
		clients[i].Transport = &http.Transport{}
		response, err := clients[i].Get("http://" + listener.Addr().String() + "/")
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	truth.Ready(0)
	truth.Rest()
	fmt.Println(clients)
}
