package truth

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// What goroutines say that they are about to wait on. Lines of the truth, one each:
//
//	# wait ID object=KIND:ADDRESS case=DIRECTION:ADDRESS:ELEMENT:CAPACITY:LENGTH:SENDERS:RECEIVERS...
//	          KEY=VALUE...
//	# uses ID ADDRESS
//
// Numbers of senders and receivers are those that said so. Times are CLOCK_MONOTONIC nanoseconds,
// LOW..HIGH.
type wait struct {
	id     int64
	object string
	cases  []Case
	facts  []string
	early  int64         // the clock before it waits
	after  time.Duration // it ends by itself; 0 it does not
}

// Case is a channel operation. It does not refer to the channel, which would make it reachable: its
// address is kept in disguise, and whoever waits for the channel keeps it alive.
type Case struct {
	disguised uintptr
	kind      reflect.Type
	send      bool
}

func makeCase(channel interface{}, send bool) Case {
	value := reflect.ValueOf(channel)
	return Case{^value.Pointer(), value.Type(), send}
}

func (c Case) address() uintptr { return ^c.disguised }

func (c Case) value() reflect.Value {
	address := c.address()
	return reflect.NewAt(c.kind, unsafe.Pointer(&address)).Elem()
}

var (
	waitsMutex sync.Mutex
	waits      []wait
)

// Send is the case of sending to a channel.
func Send(channel interface{}) Case { return makeCase(channel, true) }

// Receive is the case of receiving from a channel.
func Receive(channel interface{}) Case { return makeCase(channel, false) }

// Receiving says that the caller is about to receive from a channel. facts are KEY=VALUE.
func Receiving(channel interface{}, facts ...string) {
	add(wait{cases: []Case{Receive(channel)}, facts: facts})
}

// Sending says that the caller is about to send to a channel.
func Sending(channel interface{}, facts ...string) {
	add(wait{cases: []Case{Send(channel)}, facts: facts})
}

// ToReceive says so of the channel that it returns.
func ToReceive[C any](channel C) C { Receiving(channel); return channel }

// ToSend says so of the channel that it returns.
func ToSend[C any](channel C) C { Sending(channel); return channel }

// Selecting says that the caller is about to wait in a select with these cases, sends first.
func Selecting(cases ...Case) {
	add(wait{cases: cases, facts: []string{fmt.Sprint("cases=", len(cases))}})
}

// OnObject says that the caller is about to wait for a lock: a pointer to it, or a descriptor.
func OnObject(kind string, object interface{}, facts ...string) {
	if fd, ok := object.(int); ok {
		add(wait{object: fmt.Sprintf("%s:0x%x", kind, fd), facts: facts})
		return
	}
	add(wait{object: fmt.Sprintf("%s:0x%x", kind, reflect.ValueOf(object).Pointer()),
		facts: facts})
}

// Within says that the wait that the caller has just described ends by itself after that time,
// which began since the clock was early.
func Within(after time.Duration, early int64) {
	waitsMutex.Lock()
	defer waitsMutex.Unlock()
	for i := range waits {
		if waits[i].id == ID() {
			waits[i].after, waits[i].early = after, early
		}
	}
}

// Over says that what the caller has described did not last.
func Over() {
	waitsMutex.Lock()
	defer waitsMutex.Unlock()
	var others []wait
	for _, one := range waits {
		if one.id != ID() {
			others = append(others, one)
		}
	}
	waits = others
}

// Sleeping says that the caller is about to sleep.
func Sleeping(after time.Duration) {
	early := Clock()
	add(wait{})
	Within(after, early)
}

// SleepingInBubble says that the caller is about to sleep until then by the clock of its bubble.
func SleepingInBubble(end time.Time) {
	add(wait{facts: []string{fmt.Sprint("bubble=", end.UnixNano())}})
}

// Descriptor is the number of an open file or socket, which stays in the poller's hands.
func Descriptor(file interface{}) (number int) {
	conn, err := file.(syscall.Conn).SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) { number = int(fd) })
	}
	if err != nil {
		panic(err)
	}
	return number
}

// Uses says that the caller has the address of an object and keeps it.
func Uses(object interface{}) {
	Note("uses %d 0x%x", ID(), reflect.ValueOf(object).Pointer())
}

// Clock is CLOCK_MONOTONIC, by which the runtime's timers go.
func Clock() int64 {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func add(one wait) {
	one.id = ID()
	waitsMutex.Lock()
	defer waitsMutex.Unlock()
	waits = append(waits, one)
}

// sides is how many said that they send to a channel, and receive from it.
type sides struct{ senders, receivers int }

func countSides() map[uintptr]sides {
	counts := map[uintptr]sides{}
	for _, one := range waits {
		for _, c := range one.cases {
			both := counts[c.disguised]
			if c.send {
				both.senders++
			} else {
				both.receivers++
			}
			counts[c.disguised] = both
		}
	}
	return counts
}

func (c Case) words(both sides) string {
	direction := "receive"
	if c.send {
		direction = "send"
	}
	if c.address() == 0 {
		return direction + ":nil"
	}
	return fmt.Sprintf("%s:0x%x:%s:%d:%d:%d:%d", direction, c.address(),
		strings.Replace(c.kind.Elem().String(), " ", "_", -1), c.value().Cap(),
		c.value().Len(), both.senders, both.receivers)
}

// noteWaits puts all that was said into the truth.
func noteWaits() {
	late := Clock()
	waitsMutex.Lock()
	defer waitsMutex.Unlock()
	counts := countSides()
	for _, one := range waits {
		line := fmt.Sprintf("wait %d", one.id)
		if one.object != "" {
			line += " object=" + one.object
		}
		for _, c := range one.cases {
			line += " case=" + c.words(counts[c.disguised])
		}
		for _, fact := range one.facts {
			line += " " + fact
		}
		if one.after != 0 {
			line += fmt.Sprintf(" ends=%d..%d", one.early+int64(one.after), late+int64(one.after))
		}
		Note("%s", line)
	}
}
