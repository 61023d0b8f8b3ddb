(** * Vectors of n real coordinates

    A vector of R^n is a function from the n places to the numbers. Sums over the places, and the largest of n numbers,
    go by recursion on n. [euclidean_space.v] and [maximum_norm_space.v] put norms on these vectors. *)

From Coq Require Import Reals Lra FunctionalExtensionality.
From Coq Require Fin.
Open Scope R_scope.

Definition coordinates (n : nat) : Type := Fin.t n -> R.

Definition add_coordinates {n} (u v : coordinates n) : coordinates n := fun i => u i + v i.
Definition scale_coordinates {n} (a : R) (u : coordinates n) : coordinates n := fun i => a * u i.
Definition opposite_coordinates {n} (u : coordinates n) : coordinates n := fun i => - u i.
Definition zero_coordinates {n} : coordinates n := fun _ => 0.

(** The laws of a vector space hold in every coordinate. *)
Ltac coordinatewise :=
  intros; apply functional_extensionality; intro;
  unfold add_coordinates, scale_coordinates, opposite_coordinates, zero_coordinates; ring.

(** ** Σ_i u_i *)

Fixpoint sum {n : nat} : coordinates n -> R :=
  match n with
  | O => fun _ => 0
  | S m => fun u => u Fin.F1 + sum (fun i => u (Fin.FS i))
  end.

Lemma sum_of_sums : forall n (u v : coordinates n), sum (fun i => u i + v i) = sum u + sum v.
Proof.
  induction n as [|n step]; intros u v; simpl; [ring|].
  rewrite (step (fun i => u (Fin.FS i)) (fun i => v (Fin.FS i))). ring.
Qed.

Lemma sum_of_multiples : forall n a (u : coordinates n), sum (fun i => a * u i) = a * sum u.
Proof.
  induction n as [|n step]; intros a u; simpl; [ring|]. rewrite (step a (fun i => u (Fin.FS i))). ring.
Qed.

Lemma sum_extends : forall n (u v : coordinates n), (forall i, u i = v i) -> sum u = sum v.
Proof.
  intros n u v same. f_equal. apply functional_extensionality. exact same.
Qed.

Lemma sum_nonnegative : forall n (u : coordinates n), (forall i, 0 <= u i) -> 0 <= sum u.
Proof.
  induction n as [|n step]; intros u nonnegative; simpl; [lra|].
  pose proof (nonnegative Fin.F1). pose proof (step (fun i => u (Fin.FS i)) (fun i => nonnegative (Fin.FS i))). lra.
Qed.

Lemma sum_separates : forall n (u : coordinates n), (forall i, 0 <= u i) -> sum u = 0 -> forall i, u i = 0.
Proof.
  intros n u nonnegative null i. revert u nonnegative null.
  induction i as [n|n i step]; intros u nonnegative null; simpl in null;
    pose proof (nonnegative Fin.F1);
    pose proof (sum_nonnegative n (fun j => u (Fin.FS j)) (fun j => nonnegative (Fin.FS j))).
  - lra.
  - apply (step (fun j => u (Fin.FS j))); [intro j; apply nonnegative|lra].
Qed.

(** ** max_i u_i, for numbers that are not negative *)

Fixpoint maximum {n : nat} : coordinates n -> R :=
  match n with
  | O => fun _ => 0
  | S m => fun u => Rmax (u Fin.F1) (maximum (fun i => u (Fin.FS i)))
  end.

Lemma maximum_nonnegative : forall n (u : coordinates n), 0 <= maximum u.
Proof.
  induction n as [|n step]; intro u; simpl; [lra|].
  apply Rle_trans with (maximum (fun i => u (Fin.FS i))); [apply step|apply Rmax_r].
Qed.

Lemma maximum_is_largest : forall n (u : coordinates n) i, u i <= maximum u.
Proof.
  intros n u i. revert u. induction i as [n|n i step]; intro u; simpl; [apply Rmax_l|].
  apply Rle_trans with (maximum (fun j => u (Fin.FS j))); [apply (step (fun j => u (Fin.FS j)))|apply Rmax_r].
Qed.

Lemma maximum_is_least : forall n (u : coordinates n) bound,
  0 <= bound -> (forall i, u i <= bound) -> maximum u <= bound.
Proof.
  induction n as [|n step]; intros u bound nonnegative above; simpl; [exact nonnegative|].
  apply Rmax_lub; [apply above|]. apply step; [exact nonnegative|]. intro i. apply above.
Qed.
