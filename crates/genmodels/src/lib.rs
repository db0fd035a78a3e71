//! genmodels
