module proof

go 1.19
