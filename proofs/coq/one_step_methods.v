(** * Growth over the steps of any one-step method

    Statement.   If step n of a method lets every distance grow at most by the factor G_n, then two solutions are at
                 most Π G_n times as far apart as at the start; with one factor G ≥ 0, at most G^n times.
    Assumptions. any normed space; the step maps have growth factors G_n ≥ 0; nothing about f, h or continuity
    Source.      theory, section 1; Hairer, Nørsett, Wanner, Solving ODEs I, II.3
    Verdict.     proved for every h
    Theorems.    growth_over_steps, growth_over_equal_steps, largest_distance, growth_along_a_pair *)

From Coq Require Import Reals Lra Lia.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

Section OneStepMethods.

Variable V : NormedSpace.

(** Step n is a map [step n]; y_{n+1} = step n y_n. *)
Fixpoint solution (step : nat -> V -> V) (start : V) (n : nat) : V :=
  match n with
  | O => start
  | S before => step before (solution step start before)
  end.

(** G bounds the growth of distances in one step. *)
Definition grows_at_most (step : V -> V) (G : R) : Prop := forall z y, ‖step z ⊖ step y‖ <= G * ‖z ⊖ y‖.

(** G_0 G_1 ⋯ G_{n−1} *)
Fixpoint product (G : nat -> R) (n : nat) : R :=
  match n with
  | O => 1
  | S before => G before * product G before
  end.

Lemma product_nonnegative : forall G, (forall n, 0 <= G n) -> forall n, 0 <= product G n.
Proof.
  intros G nonnegative n. induction n as [|n step]; simpl; [lra|]. apply Rmult_le_pos; auto.
Qed.

Lemma product_of_equal_factors : forall G n, product (fun _ => G) n = G ^ n.
Proof.
  intros G n. induction n as [|n step]; simpl; [reflexivity|]. rewrite step. reflexivity.
Qed.

(** Along one pair of solutions it is enough that each factor bounds the growth of this pair: the product of measured
    secant constants is a theorem for the measured pair. *)
Theorem growth_along_a_pair : forall (z y : nat -> V) (G : nat -> R),
  (forall n, 0 <= G n) ->
  (forall n, ‖z (S n) ⊖ y (S n)‖ <= G n * ‖z n ⊖ y n‖) ->
  forall n, ‖z n ⊖ y n‖ <= product G n * ‖z O ⊖ y O‖.
Proof.
  intros z y G nonnegative one_step n. induction n as [|n step]; simpl.
  - lra.
  - (* ‖e_{n+1}‖ ≤ G_n ‖e_n‖ ≤ G_n Π ‖e_0‖ *)
    apply Rle_trans with (G n * ‖z n ⊖ y n‖); [apply one_step|].
    rewrite Rmult_assoc. apply Rmult_le_compat_l; auto.
Qed.

Theorem growth_over_steps : forall (step : nat -> V -> V) (G : nat -> R),
  (forall n, 0 <= G n) ->
  (forall n, grows_at_most (step n) (G n)) ->
  forall z y n, ‖solution step z n ⊖ solution step y n‖ <= product G n * ‖z ⊖ y‖.
Proof.
  intros step G nonnegative one_step z y n.
  apply (growth_along_a_pair (solution step z) (solution step y)); [assumption|].
  intro m. simpl. apply one_step.
Qed.

Corollary growth_over_equal_steps : forall (step : nat -> V -> V) (G : R),
  0 <= G ->
  (forall n, grows_at_most (step n) G) ->
  forall z y n, ‖solution step z n ⊖ solution step y n‖ <= G ^ n * ‖z ⊖ y‖.
Proof.
  intros step G nonnegative one_step z y n. rewrite <- product_of_equal_factors. apply growth_over_steps; auto.
Qed.

(** max over 0 ≤ n ≤ N of ‖e_n‖ *)
Fixpoint largest (distance : nat -> R) (N : nat) : R :=
  match N with
  | O => distance O
  | S before => Rmax (distance N) (largest distance before)
  end.

Lemma largest_is_attained : forall distance N, exists n, (n <= N)%nat /\ largest distance N = distance n.
Proof.
  intros distance N. induction N as [|N [n [within attained]]]; simpl.
  - exists O. split; [lia|reflexivity].
  - destruct (Rle_dec (distance (S N)) (largest distance N)) as [less|more].
    + exists n. rewrite Rmax_right by assumption. split; [lia|assumption].
    + exists (S N). rewrite Rmax_left by lra. split; [lia|reflexivity].
Qed.

Lemma largest_is_largest : forall distance N n, (n <= N)%nat -> distance n <= largest distance N.
Proof.
  intros distance N. induction N as [|N step]; intros n within; simpl.
  - replace n with O by lia. lra.
  - destruct (Nat.eq_dec n (S N)) as [last|earlier].
    + subst n. apply Rmax_l.
    + apply Rle_trans with (largest distance N); [apply step; lia|apply Rmax_r].
Qed.

(** With G ≥ 1 the largest distance on the way is bounded as the last one is. *)
Corollary largest_distance : forall (step : nat -> V -> V) (G : R),
  1 <= G ->
  (forall n, grows_at_most (step n) G) ->
  forall z y N, largest (fun n => ‖solution step z n ⊖ solution step y n‖) N <= G ^ N * ‖z ⊖ y‖.
Proof.
  intros step G expanding one_step z y N.
  destruct (largest_is_attained (fun n => ‖solution step z n ⊖ solution step y n‖) N) as [n [within attained]].
  rewrite attained.
  apply Rle_trans with (G ^ n * ‖z ⊖ y‖).
  - apply growth_over_equal_steps; [lra|assumption].
  - apply Rmult_le_compat_r; [apply norm_nonnegative|]. apply Rle_pow; assumption.
Qed.

End OneStepMethods.
