#pragma once
/*
 * Embeddings as plain text features: hashed character n-grams (2 to 4), lower case, white space
 * folded, the logarithm of how often, n-grams that helpdesk mail is full of damped. Texts that share
 * words are near; nothing is understood. The same text always gives the same vector.
 * NOT unit length, as the service's are not.
 */
#include "base/str.h"

#define FEATURE_DIM 1024

void features_of(struct str text, float ret_vector[FEATURE_DIM]);
/* Counts how common n-grams are, once; else the first features_of does. Some hundred ms. */
void features_warm(void);
double features_cosine(const float *a, const float *b);
