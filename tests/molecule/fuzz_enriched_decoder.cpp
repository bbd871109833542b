#include "molecule/enriched.h"
