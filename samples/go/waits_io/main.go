// Waits for files and sockets: the poller's, raw system calls, and a descriptor's own locks.
package main

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"samples/truth"
)

const long = 1000 * time.Hour

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func reads(file interface{}) { truth.OnObject("fd", truth.Descriptor(file), "direction=read") }

func writes(file interface{}) { truth.OnObject("fd", truth.Descriptor(file), "direction=write") }

func readFile(f *os.File)       { reads(f); f.Read(make([]byte, 1)) }
func readFileSecond(f *os.File) { f.Read(make([]byte, 1)) }
func writeFile(f *os.File)      { writes(f); f.Write(make([]byte, 1<<20)) }

func readConn(c net.Conn) {
	early := truth.Clock()
	c.SetReadDeadline(time.Now().Add(long))
	reads(c)
	truth.Within(long, early)
	c.Read(make([]byte, 1))
}

func writeConn(c net.Conn) {
	writes(c)
	for {
		c.Write(make([]byte, 1<<20))
	}
}

func accept(l net.Listener)          { reads(l); l.Accept() }
func receivePacket(c net.PacketConn) { reads(c); c.ReadFrom(make([]byte, 1)) }
func readRaw(fd int)                 { syscall.Read(fd, make([]byte, 1)) }
func receiveLocked(c chan int)       { runtime.LockOSThread(); truth.Receiving(c); <-c }
func readRawLocked(fd int)           { runtime.LockOSThread(); readRaw(fd) }

// AArch64 has no pause(2).
func pauseRaw() { syscall.Syscall(syscall.SYS_PPOLL, 0, 0, 0) }

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	accepted := make(chan net.Conn)
	go func() {
		for i := 0; i < 2; i++ {
			conn, err := listener.Accept()
			check(err)
			accepted <- conn
		}
	}()
	var ends [4]net.Conn
	for i := 0; i < 4; i += 2 {
		ends[i], err = net.Dial("tcp", listener.Addr().String())
		check(err)
		ends[i+1] = <-accepted
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	idle, idleEnd, err := os.Pipe()
	check(err)
	fullEnd, full, err := os.Pipe()
	check(err)
	var raw, rawLocked [2]int
	check(syscall.Pipe(raw[:]))
	check(syscall.Pipe(rawLocked[:]))

	go readFile(idle)
	truth.Settle()
	go readFileSecond(idle) // waits for the descriptor's read lock
	go writeFile(full)
	go readConn(ends[0])
	go writeConn(ends[2])
	go accept(listener)
	go receivePacket(packets)
	go readRaw(raw[0])
	go pauseRaw()
	go receiveLocked(make(chan int))
	go readRawLocked(rawLocked[0])
	truth.Ready(0)
	truth.Rest()
	runtime.KeepAlive([]interface{}{ends, packets, idleEnd, fullEnd})
}
