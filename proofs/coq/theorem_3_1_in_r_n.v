(** * Theorem 3.1 of the paper, written out for R^n

    Statement.   For y_{n+1} = y_n + h f(t_n, y_n) in R^d with t_n = t0 + nh, ‖u‖ = sqrt(Σ u_i²) and
                 ‖f(t, z) − f(t, y)‖ ≤ K ‖z − y‖, and z_n started at y_0 + ε: ‖z_n − y_n‖ ≤ (1 + hK)^N ‖ε‖ ≤
                 e^{(b − t0)K} ‖ε‖ for every n ≤ N. The same with ‖u‖ = max |u_i|.
    Assumptions. h > 0; K ≥ 0; f(t, ·) is K-Lipschitz for every t in the norm of the bound; Nh = b − t0
    Source.      the paper's Theorem 3.1, (10) and (11)
    Verdict.     proved for every h
    Theorems.    theorem_3_1_in_R_n, theorem_3_1_in_the_maximum_norm *)

From Coq Require Import Reals Lra.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1.
From NatrobProofs Require Import coordinates euclidean_space maximum_norm_space.
Open Scope R_scope.

Section Coordinates.

Variable d : nat.

(** Euler's method, coordinate by coordinate *)
Fixpoint euler_solution (f : R -> coordinates d -> coordinates d) (t0 h : R) (start : coordinates d) (n : nat)
  : coordinates d :=
  match n with
  | O => start
  | S before =>
      let y := euler_solution f t0 h start before in
      fun i => y i + h * f (t0 + INR before * h) y i
  end.

(** In any norm on R^d *)
Definition theorem_3_1_holds (length : coordinates d -> R) : Prop :=
  forall (f : R -> coordinates d -> coordinates d) (t0 b h K : R) (N : nat) (y epsilon : coordinates d),
  0 < h -> 0 <= K ->
  (forall t z w, length (fun i => f t z i - f t w i) <= K * length (fun i => z i - w i)) ->
  INR N * h = b - t0 ->
  (forall n, (n <= N)%nat ->
     length (fun i => euler_solution f t0 h (fun j => y j + epsilon j) n i - euler_solution f t0 h y n i)
       <= (1 + h * K) ^ N * length epsilon)
  /\ (1 + h * K) ^ N * length epsilon <= exp ((b - t0) * K) * length epsilon.

(** The solution above is that of [theorem_3_1.v]. *)
Lemma euler_solution_is_solution : forall f t0 h start n,
  euler_solution f t0 h start n
    = solution (euclidean_normed_space d) (euler_step (euclidean_normed_space d) f t0 h) start n
  /\ euler_solution f t0 h start n
    = solution (maximum_norm_space d) (euler_step (maximum_norm_space d) f t0 h) start n.
Proof.
  intros f t0 h start n. induction n as [|n [euclidean maximal]]; [split; reflexivity|]. simpl. split.
  - rewrite euclidean. reflexivity.
  - rewrite maximal. reflexivity.
Qed.

Theorem theorem_3_1_in_R_n : theorem_3_1_holds (fun u => sqrt (sum (fun i => u i ^ 2))).
Proof.
  intros f t0 b h K N y epsilon positive nonnegative constant horizon.
  destruct (theorem_3_1 (euclidean_normed_space d) f t0 b h K N y epsilon positive nonnegative constant horizon)
    as [discrete exponential].
  split; [|exact exponential].
  intros n within. apply Rle_trans with (2 := discrete).
  rewrite (proj1 (euler_solution_is_solution f t0 h (fun j => y j + epsilon j) n)).
  rewrite (proj1 (euler_solution_is_solution f t0 h y n)).
  exact (largest_is_largest (fun m => norm (add
    (solution (euclidean_normed_space d) (euler_step (euclidean_normed_space d) f t0 h)
      (add (y : euclidean_normed_space d) epsilon) m)
    (opposite (solution (euclidean_normed_space d) (euler_step (euclidean_normed_space d) f t0 h) y m)))) N n within).
Qed.

Theorem theorem_3_1_in_the_maximum_norm : theorem_3_1_holds (fun u => maximum (fun i => Rabs (u i))).
Proof.
  intros f t0 b h K N y epsilon positive nonnegative constant horizon.
  destruct (theorem_3_1 (maximum_norm_space d) f t0 b h K N y epsilon positive nonnegative constant horizon)
    as [discrete exponential].
  split; [|exact exponential].
  intros n within. apply Rle_trans with (2 := discrete).
  rewrite (proj2 (euler_solution_is_solution f t0 h (fun j => y j + epsilon j) n)).
  rewrite (proj2 (euler_solution_is_solution f t0 h y n)).
  exact (largest_is_largest (fun m => norm (add
    (solution (maximum_norm_space d) (euler_step (maximum_norm_space d) f t0 h)
      (add (y : maximum_norm_space d) epsilon) m)
    (opposite (solution (maximum_norm_space d) (euler_step (maximum_norm_space d) f t0 h) y m)))) N n within).
Qed.

End Coordinates.
