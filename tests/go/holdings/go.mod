module holdings

go 1.19
