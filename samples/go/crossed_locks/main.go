// Two transfers lock the same two accounts in opposite order, and a third waits behind them.
package main

import (
	"fmt"
	"sync"

	"samples/truth"
)

type account struct {
	mutex   sync.Mutex
	balance int
	owner   *string // not a tiny object: nothing else shares its memory
}

func transfer(from, to *account, amount, waiters int, locked, release chan bool) {
	from.mutex.Lock()
	truth.Uses(&from.mutex)
	locked <- true
	<-release
	truth.OnObject("go-mutex", &to.mutex, "locked=true", fmt.Sprint("waiters=", waiters))
	to.mutex.Lock()
	from.balance -= amount
	to.balance += amount
	to.mutex.Unlock()
	from.mutex.Unlock()
}

func audit(a *account) int {
	truth.OnObject("go-mutex", &a.mutex, "locked=true", "waiters=2")
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.balance
}

func start() {
	name := "somebody"
	a, b := &account{balance: 10, owner: &name}, &account{balance: 10, owner: &name}
	locked, release := make(chan bool), make(chan bool)
	go transfer(a, b, 1, 1, locked, release)
	<-locked
	go transfer(b, a, 2, 2, locked, release)
	<-locked
	go audit(a)
	close(release)
}

func main() {
	start()
	truth.Ready(0)
	truth.Rest()
}
