(** * Pairs of vectors

    V × W with ‖(a, b)‖ = √(‖a‖² + ‖b‖²) is a normed space: the state of a network whose two halves move in turn. *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The 2-norm of two numbers *)

Definition norm2 (x y : R) : R := sqrt (x * x + y * y).

Lemma norm2_nonnegative : forall x y, 0 <= norm2 x y.
Proof.
  intros x y. apply sqrt_pos.
Qed.

Lemma norm2_squared : forall x y, norm2 x y * norm2 x y = x * x + y * y.
Proof.
  intros x y. apply sqrt_sqrt. nra.
Qed.

(** Numbers are compared through their squares. *)
Lemma below_norm2 : forall x y a, a * a <= x * x + y * y -> a <= norm2 x y.
Proof.
  intros x y a squares. pose proof (norm2_nonnegative x y). pose proof (norm2_squared x y).
  apply Rnot_lt_le. intro larger. nra.
Qed.

Lemma norm2_below : forall x y a, 0 <= a -> x * x + y * y <= a * a -> norm2 x y <= a.
Proof.
  intros x y a nonnegative squares. pose proof (norm2_nonnegative x y). pose proof (norm2_squared x y).
  apply Rnot_lt_le. intro larger. nra.
Qed.

Lemma norm2_monotone : forall x y u v, 0 <= x <= u -> 0 <= y <= v -> norm2 x y <= norm2 u v.
Proof.
  intros x y u v first second. apply sqrt_le_1_alt. nra.
Qed.

Lemma norm2_scale : forall a x y, norm2 (a * x) (a * y) = Rabs a * norm2 x y.
Proof.
  intros a x y. unfold norm2. replace (a * x * (a * x) + a * y * (a * y)) with (Rsqr a * (x * x + y * y)).
  - rewrite sqrt_mult_alt by apply Rle_0_sqr. rewrite sqrt_Rsqr_abs. reflexivity.
  - unfold Rsqr. ring.
Qed.

(** xu + yv ≤ ‖(x, y)‖ ‖(u, v)‖, as (xu + yv)² + (xv − yu)² = (x² + y²)(u² + v²). *)
Lemma norm2_cauchy_schwarz : forall x y u v, x * u + y * v <= norm2 x y * norm2 u v.
Proof.
  intros x y u v. unfold norm2. rewrite <- sqrt_mult_alt by nra.
  replace ((x * x + y * y) * (u * u + v * v))
    with ((x * u + y * v) * (x * u + y * v) + (x * v - y * u) * (x * v - y * u)) by ring.
  apply below_norm2. pose proof (Rle_0_sqr (x * v - y * u)) as square. unfold Rsqr in square. lra.
Qed.

(** The square of the left-hand side is x² + y² + 2(xu + yv) + u² + v². *)
Lemma norm2_triangle : forall x y u v, norm2 (x + u) (y + v) <= norm2 x y + norm2 u v.
Proof.
  intros x y u v. pose proof (norm2_nonnegative x y). pose proof (norm2_nonnegative u v).
  apply norm2_below; [lra|].
  pose proof (norm2_squared x y). pose proof (norm2_squared u v). pose proof (norm2_cauchy_schwarz x y u v). nra.
Qed.

(** ** The space of pairs *)

Section Pairs.

Variables V W : NormedSpace.

Definition pair_norm (z : V * W) : R := norm2 (‖fst z‖) (‖snd z‖).

Definition pair_space : NormedSpace.
Proof.
  refine {|
    carrier := (V * W)%type;
    zero := (zero, zero);
    add := fun z y => (fst z ⊕ fst y, snd z ⊕ snd y);
    opposite := fun z => (opposite (fst z), opposite (snd z));
    scale := fun a z => (a • fst z, a • snd z);
    norm := pair_norm
  |}; unfold pair_norm; simpl.
  - intros u v. f_equal; apply add_commutes.
  - intros u v w. f_equal; apply add_associates.
  - intros [a b]. simpl. f_equal; apply add_zero.
  - intro u. f_equal; apply add_opposite.
  - intros [a b]. simpl. f_equal; apply scale_one.
  - intros a b u. f_equal; apply scale_scale.
  - intros a u v. f_equal; apply scale_add.
  - intros a b u. f_equal; apply scale_sum.
  - (* ‖(a + c, b + d)‖ ≤ ‖(‖a‖ + ‖c‖, ‖b‖ + ‖d‖)‖ ≤ ‖(a, b)‖ + ‖(c, d)‖ *)
    intros u v. eapply Rle_trans; [|apply norm2_triangle].
    apply norm2_monotone; split; solve [apply norm_nonnegative | apply norm_triangle].
  - intros a u. rewrite !norm_scale, norm2_scale, Rabs_Rabsolu. reflexivity.
  - (* ‖a‖² + ‖b‖² = 0 leaves no other choice *)
    intros [a b] null. simpl in null.
    pose proof (norm2_squared (‖a‖) (‖b‖)) as squared. rewrite null in squared.
    pose proof (norm_nonnegative V a). pose proof (norm_nonnegative W b).
    rewrite (norm_separates V a), (norm_separates W b) by nra. reflexivity.
Defined.

Lemma pair_norm_is_norm2 : forall a b, ‖((a, b) : pair_space)‖ = norm2 (‖a‖) (‖b‖).
Proof.
  reflexivity.
Qed.

Lemma pair_difference : forall z y : pair_space, z ⊖ y = (fst z ⊖ fst y, snd z ⊖ snd y).
Proof.
  reflexivity.
Qed.

End Pairs.
