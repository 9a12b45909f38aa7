# The include direction, checked: server -> cache, server -> accounting, and no other arrow.
# Which folder may include which third-party header is checked too: a wall with a door in it
# is only a wall when somebody looks at the door.
set(failed 0)

function(refuse folder pattern why)
  file(GLOB files ${ROOT}/${folder}/*.c ${ROOT}/${folder}/*.h)
  foreach(file ${files})
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"](${pattern})")
    foreach(line ${lines})
      message(SEND_ERROR "${file}: ${line}: ${why}")
    endforeach()
  endforeach()
endfunction()

refuse(cache "(server|accounting|tests)/" "cache/ may include only cache/")
refuse(accounting "(server|cache|tests)/" "accounting/ may include only accounting/")
refuse(server/dialect "(h2o|curl/|rocksdb/|server/(call|fetch|worker|gateway|upstream))"
       "server/dialect/ turns text into text: no sockets, no life of a request")
refuse(server "tests/" "server/ may not include tests/")
refuse(cache "h2o|curl/|yaml" "cache/ knows no sockets and no configuration")
refuse(accounting "h2o|curl/|yaml" "accounting/ knows no sockets and no configuration")
refuse(server "rocksdb/" "databases belong to cache/disk.c and accounting/")

file(GLOB rocks ${ROOT}/cache/*.[ch] ${ROOT}/accounting/*.[ch])
foreach(file ${rocks})
  file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*<rocksdb/")
  get_filename_component(name ${file} NAME)
  if(lines AND NOT name MATCHES "^(disk.*|ledger.*)\\.[ch]$")
    message(SEND_ERROR "${file}: only cache/disk*.c and accounting/ledger*.c may include rocksdb/c.h")
  endif()
endforeach()
